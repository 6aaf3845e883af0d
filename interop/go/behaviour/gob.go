package main

import (
	"fmt"
	"math"
	"net/rpc"
	"strings"
	"time"
)

// playArguments sends a struct { A, B int } into each of the types that gob's
// documentation lists, and other types into that one.
func playArguments(s *server) {
	client := s.dial()
	for _, into := range []string{
		"Same", "Swapped", "More", "Less", "Other", "Wide", "Narrow", "Pointers",
		"Unsigned", "Float", "Nothing", "Strangers",
	} {
		show(client, into, into, &Args{7, 8})
	}
	show(client, "300 into 8 bits", "Narrow", &Args{7, 300})
	show(client, "-128 into 8 bits", "Narrow", &Args{-128, 127})

	show(client, "from 8 bits", "Same", struct{ A, B int8 }{7, 8})
	show(client, "from 64 bits", "Same", struct{ A, B int64 }{7, 8})
	a, b := 7, 8
	pb := &b
	show(client, "from pointers", "Same", struct {
		A *int
		B **int
	}{&a, &pb})
	show(client, "from fewer", "Same", struct{ B int }{8})
	show(client, "from more", "Same", struct {
		Z    map[string][]float64
		B    int
		Deep struct{ X, Y *Args }
		A    int
	}{Z: map[string][]float64{"z": {1}}, B: 8, A: 7})
	show(client, "from unsigned", "Same", struct {
		A int
		B uint
	}{7, 8})
	show(client, "from strangers", "Same", struct{ C, D int }{7, 8})
	show(client, "once more", "Same", &Args{7, 8})
}

func show(client *rpc.Client, what, method string, argument any) {
	var reply string
	if client.Call("Fit."+method, argument, &reply) != nil {
		fmt.Println(what, "refused")
		return
	}
	fmt.Println(what, reply)
}

// playNothing sends nil where there is nothing to point at; gob leaves such a
// field out, JSON says null.
func playNothing(s *server) {
	a := 7
	client := s.dial()
	show(client, "from a nil pointer", "Same", struct{ A, B *int }{&a, nil})
	show(client, "into a pointer", "Optional", struct{ A, B *int }{&a, nil})
}

// playReplies receives a struct of two integers in each of those types. A reply
// that does not fit ends Go's client, so each has a connection of its own.
func playReplies(s *server) {
	a, b := 0, 0
	pb := &b
	for _, into := range []any{
		&Quotient{}, &struct{ Rem, Quo int }{}, &struct{ Quo, Rem, More int }{More: 9},
		&struct{ Rem int }{}, &struct{ Quo, Rem int64 }{}, &struct {
			Quo *int
			Rem **int
		}{&a, &pb},
		&struct {
			Quo int
			Rem uint
		}{}, &struct {
			Quo int
			Rem float64
		}{}, &struct{ C, D int }{}, new(string),
	} {
		err := s.dial().Call("Arith.Divide", &Args{17, 5}, into)
		if err != nil {
			fmt.Println("misfit")
		} else if _, pointers := into.(*struct {
			Quo *int
			Rem **int
		}); pointers {
			fmt.Println(a, b)
		} else {
			fmt.Printf("%+v\n", into)
		}
	}
}

// playKinds sends values of the basic kinds there and back.
func playKinds(s *server) {
	client := s.dial()
	back(client, "Text", "")
	back(client, "Text", "überall 客户端\x00")
	for _, n := range []int64{0, -1, 63, -64, 64, 1 << 40, math.MaxInt64, math.MinInt64} {
		back(client, "Whole", n)
	}
	for _, n := range []uint64{0, 127, 128, math.MaxUint64} {
		back(client, "Count", n)
	}
	for _, x := range []float64{0, 17, -0.1, math.Pi, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		back(client, "Real", x)
	}
	back(client, "Truth", true)
	back(client, "Truth", false)
	back(client, "List", []int{0, -1, 2})
	back(client, "Table", map[string]int{"zero": 0, "one": 1})
	back(client, "Tree", Tree{"root", []Tree{{Name: "leaf"}, {"twig", []Tree{{Name: "bud"}}}}})
}

// playBytes sends what JSON has no form of its own for.
func playBytes(s *server) {
	back(s.dial(), "Bytes", []byte{0, 1, 254, 255})
}

func back[T any](client *rpc.Client, method string, value T) {
	var reply T
	err := client.Call("Echo."+method, value, &reply)
	// Shown alike: a nil slice comes back as an empty one over JSON.
	fmt.Println(method, err, fmt.Sprint(value) == fmt.Sprint(reply))
}

// playSkipped sends fields that the method does not have, of the kinds that
// are special on the wire, and fields that are never sent.
func playSkipped(s *server) {
	client := s.dial()
	for _, at := range []time.Time{{}, time.Unix(1, 2).UTC()} {
		argument := struct {
			At     time.Time
			A      int
			Events chan int
			Do     func()
			hidden int
			B      int
			Z      complex128
		}{at, 7, make(chan int), func() {}, 9, 8, 1i}
		show(client, "skipped", "Same", argument)
	}
}

// playNoText sends a string that is not UTF-8, which Go does not ask of it.
func playNoText(s *server) {
	client := s.dial()
	var reply string
	err := client.Call("Echo.Text", "\xff\x00", &reply)
	_, remote := err.(rpc.ServerError)
	fmt.Printf("%v %q\n", remote, reply)
	fmt.Println(client.Call("Echo.Text", "text", &reply), reply)
}

// playWords shows in what words arguments are refused, without the package that
// Go names types with.
func playWords(s *server) {
	client := s.dial()
	for _, call := range []struct {
		method   string
		argument any
	}{
		{"Arith.Multiply", "x"}, {"Arith.Multiply", []int{7, 8}}, {"Echo.Tree", 7},
		{"Fit.Unsigned", &Args{7, 8}}, {"Fit.Float", &Args{7, 8}},
		{"Fit.Same", struct{ A, B uint }{7, 8}}, {"Fit.Same", struct{ A []int }{}},
		{"Echo.Tree", struct{ Children []string }{[]string{"leaf"}}},
		{"Echo.Tree", struct{ Name []byte }{}},
		{"Fit.Strangers", &Args{7, 8}},
		{"Echo.Text", 7}, {"Echo.Truth", "x"}, {"Echo.Real", true}, {"Echo.Count", uint8(1)},
		{"Echo.Bytes", "x"}, {"Echo.List", "x"}, {"Echo.Table", 1.5},
		{"Fit.Narrow", &Args{7, 300}}, {"Fit.Narrow", &Args{300, 300}},
		{"Fit.Rows", struct{ Lists [][]int }{[][]int{{1}, {300}}}},
		{"Fit.Rows", struct{ Table map[string]int }{map[string]int{"x": 300}}},
		{"Arith.Multiply", &Args{7, 8}},
	} {
		err := client.Call(call.method, call.argument, nil)
		fmt.Println(strings.ReplaceAll(fmt.Sprint(err), "main.", ""))
	}
}
