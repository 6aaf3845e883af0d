package main

import (
	"errors"
	"fmt"
	"sync"
)

// Args is what the methods of Arith take.
type Args struct {
	A, B int
}

// Quotient is what Arith.Divide answers.
type Quotient struct {
	Quo, Rem int
}

// Arith is the service of net/rpc's package documentation.
type Arith int

// Multiply answers the product.
func (*Arith) Multiply(args *Args, reply *int) error {
	*reply = args.A * args.B
	return nil
}

// Divide takes its argument by value.
func (*Arith) Divide(args Args, quotient *Quotient) error {
	if args.B == 0 {
		return errors.New("divide by zero")
	}
	*quotient = Quotient{args.A / args.B, args.A % args.B}
	return nil
}

// Gate has a method that returns when another one is called.
type Gate struct {
	mutex sync.Mutex
	doors map[string]*door
}

type door struct {
	waiting, open chan struct{}
}

func (g *Gate) door(name string) *door {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.doors[name] == nil {
		g.doors[name] = &door{make(chan struct{}, 100), make(chan struct{}, 100)}
	}
	return g.doors[name]
}

// Wait returns once somebody opens.
func (g *Gate) Wait(name string, reply *string) error {
	door := g.door(name)
	door.waiting <- struct{}{}
	<-door.open
	*reply = name
	return nil
}

// Entered returns once somebody waits.
func (g *Gate) Entered(name string, reply *bool) error {
	<-g.door(name).waiting
	*reply = true
	return nil
}

// Open lets one of those who wait go on.
func (g *Gate) Open(name string, reply *bool) error {
	g.door(name).open <- struct{}{}
	*reply = true
	return nil
}

// Fail has methods that fail.
type Fail int

// With fails with this text, after it has written a reply.
func (*Fail) With(text string, reply *string) error {
	*reply = "a reply that must not be seen"
	return errors.New(text)
}

// Echo has methods whose reply is their argument.
type Echo int

// Text is for strings.
func (*Echo) Text(in string, out *string) error { *out = in; return nil }

// Whole is for signed integers.
func (*Echo) Whole(in int64, out *int64) error { *out = in; return nil }

// Count is for unsigned integers.
func (*Echo) Count(in uint64, out *uint64) error { *out = in; return nil }

// Real is for floating-point numbers.
func (*Echo) Real(in float64, out *float64) error { *out = in; return nil }

// Truth is for booleans.
func (*Echo) Truth(in bool, out *bool) error { *out = in; return nil }

// Bytes is for slices of bytes.
func (*Echo) Bytes(in []byte, out *[]byte) error { *out = in; return nil }

// List is for slices.
func (*Echo) List(in []int, out *[]int) error { *out = in; return nil }

// Table is for maps.
func (*Echo) Table(in map[string]int, out *map[string]int) error { *out = in; return nil }

// Tree is for a type that holds itself.
func (*Echo) Tree(in Tree, out *Tree) error { *out = in; return nil }

// Tree is a recursive type.
type Tree struct {
	Name     string
	Children []Tree
}

// Empty has methods that leave their reply as it was given to them.
type Empty int

// Table answers a map.
func (*Empty) Table(_ bool, _ *map[string]int) error { return nil }

// List answers a slice.
func (*Empty) List(_ bool, _ *[]int) error { return nil }

// Pair answers a struct.
func (*Empty) Pair(_ bool, _ *Args) error { return nil }

// Fit has a method for each type that the documentation of gob sends a
// struct { A, B int } into. Each answers what came.
type Fit int

// Same is the type itself.
func (*Fit) Same(in Args, out *string) error { return say(out, in) }

// Swapped has the fields in another order.
func (*Fit) Swapped(in struct{ B, A int }, out *string) error { return say(out, in) }

// More has a field that is not sent.
func (*Fit) More(in struct{ A, B, C int }, out *string) error { return say(out, in) }

// Less lacks a field that is sent.
func (*Fit) Less(in struct{ B int }, out *string) error { return say(out, in) }

// Other does both.
func (*Fit) Other(in struct{ B, C int }, out *string) error { return say(out, in) }

// Wide has another width.
func (*Fit) Wide(in struct{ A, B int64 }, out *string) error { return say(out, in) }

// Narrow may be too small.
func (*Fit) Narrow(in struct{ A, B int8 }, out *string) error { return say(out, in) }

// Pointers has pointers to the fields.
func (*Fit) Pointers(in struct {
	A *int
	B **int
}, out *string) error {
	return say(out, struct{ A, B int }{*in.A, **in.B})
}

// Optional may lack its fields.
func (*Fit) Optional(in struct{ A, B *int }, out *string) error {
	return say(out, []bool{in.A != nil, in.B != nil})
}

// Unsigned has a field that differs in its sign.
func (*Fit) Unsigned(in struct {
	A int
	B uint
}, out *string) error {
	return say(out, in)
}

// Float has a field that differs in its type.
func (*Fit) Float(in struct {
	A int
	B float64
}, out *string) error {
	return say(out, in)
}

// Nothing has no field at all.
func (*Fit) Nothing(in struct{}, out *string) error { return say(out, in) }

// Strangers has no field in common.
func (*Fit) Strangers(in Strangers, out *string) error { return say(out, in) }

// Strangers is called by its name when it is refused.
type Strangers struct {
	C, D int
}

// Rows has numbers deep within.
func (*Fit) Rows(in Rows, out *string) error { return say(out, len(in.Lists)) }

// Rows is not compared with anything.
type Rows struct {
	Lists [][]int8
	Table map[string]int8
}

func say(out *string, in any) error {
	*out = fmt.Sprintf("%+v", in)
	return nil
}
