package main

import (
	"bytes"
	"time"
)

// Node is made of itself through a pointer.
type Node struct {
	Value int
	Next  *Node
}

// Tree is made of itself through a slice and a map.
type Tree struct {
	Name  string
	Kids  []*Tree
	Index map[string]Tree
}

// Nest is made of itself and is no struct.
type Nest []Nest

// Dict, too.
type Dict map[string]Dict

// Left and Right are made of each other.
type Left struct {
	R *Right
	N int8
}

// Right is the other half.
type Right struct {
	Ls []Left
	M  map[int]*Left
}

// Base is embedded in Derived.
type Base struct {
	ID   uint64
	Note string
}

// Extra is embedded by pointer.
type Extra struct {
	Weight float32
}

// Derived has embedded structs.
type Derived struct {
	Base
	*Extra
	Level float32
}

// Area is an interface with a method.
type Area interface {
	Area() float64
}

// Square is an Area.
type Square struct {
	Side float64
}

// Area makes it one.
func (s Square) Area() float64 { return s.Side * s.Side }

// Disc is an Area by pointer, and holds others.
type Disc struct {
	Radius float64
	Parts  []Area
}

// Area makes it one.
func (d *Disc) Area() float64 { return 3 * d.Radius * d.Radius }

// Drawing holds interfaces of both kinds.
type Drawing struct {
	Areas []Area
	One   Area
	Other any
	More  map[string]any
	Title string
}

// Pointers points to what may be zero.
type Pointers struct {
	A *int
	B **string
	C *[]int
	D *map[string]*bool
	E ***struct{ X int }
	F *[2]bool
}

// Color is a byte by another name, and []Color is like []byte to gob.
type Color uint8

// Colors is such a slice.
type Colors []Color

// Mixed has fields that are not sent.
type Mixed struct {
	Seen   int
	hidden string
	Ch     chan int
	F      func()
	Last   string
}

// Gobbed writes itself.
type Gobbed struct {
	text string
}

// GobEncode implements gob.GobEncoder.
func (g Gobbed) GobEncode() ([]byte, error) { return []byte(g.text), nil }

// GobDecode implements gob.GobDecoder.
func (g *Gobbed) GobDecode(text []byte) error {
	g.text = string(text)
	return nil
}

// Binary writes itself through the other interface.
type Binary struct {
	text string
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (b Binary) MarshalBinary() ([]byte, error) { return bytes.ToUpper([]byte(b.text)), nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (b *Binary) UnmarshalBinary(text []byte) error {
	b.text = string(text)
	return nil
}

// registered are values of the types that interfaces may hold.
var registered = []any{
	Node{}, Tree{}, Nest(nil), Dict(nil), Left{}, Derived{}, Square{}, &Disc{}, Drawing{},
	Colors(nil), Gobbed{}, Binary{}, time.Time{}, []any(nil), map[string]any(nil), struct{}{},
	[2]int16{}, map[int8][]string(nil),
}
