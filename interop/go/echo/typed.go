package main

import (
	"fmt"
	"math"
	"reflect"
)

// Everything has a field of every kind that the Rust side has in a struct of
// its own; see Everything there.
type Everything struct {
	Bool    bool
	Int     int
	Int8    int8
	Int16   int16
	Int32   int32
	Int64   int64
	Uint    uint
	Uint8   uint8
	Uint16  uint16
	Uint32  uint32
	Uint64  uint64
	Float32 float32
	Float64 float64
	Text    string
	Bytes   []byte
	List    []int16
	Lists   [][]string
	Array   [3]uint8
	Map     map[string]int64
	Deep    map[int32]map[bool][]Item
	Item    Item
	Maybe   *Item
	MaybeN  *uint32
	Left    *Everything
	More    []Everything
}

// Item is nested in Everything.
type Item struct {
	Name string
	Size uint64
}

// Wider is Everything of a later version: some fields are new, some are gone,
// the others are in another order.
type Wider struct {
	Extra   map[string][]Item
	Text    string
	Any     any
	Item    WiderItem
	Int64   int64
	Version complex128
}

// WiderItem is Item of a later version.
type WiderItem struct {
	Color Color
	Size  uint64
}

// Fewer is what an earlier version has of Everything.
type Fewer struct {
	Text string
	Item struct{ Size uint64 }
}

func everything() Everything {
	three := uint32(3)
	inner := Everything{Int: 2, Text: "inner", Maybe: &Item{"", 1}}
	return Everything{
		Bool: true, Int: math.MinInt64, Int8: math.MinInt8, Int16: math.MaxInt16, Int32: math.MinInt32,
		Int64: math.MaxInt64, Uint: math.MaxUint64, Uint8: 255, Uint16: math.MaxUint16,
		Uint32: math.MaxUint32, Uint64: 1 << 63, Float32: math.MaxFloat32, Float64: -5e-324,
		Text: "客户端/42", Bytes: []byte{0, 255, 7}, List: []int16{-1, 0, 1},
		Lists: [][]string{{"a", ""}, {}, {"b"}}, Array: [3]uint8{1, 0, 255},
		Map:  map[string]int64{"": 0, "x": -1},
		Deep: map[int32]map[bool][]Item{-1: {true: {{"i", 1}, {}}, false: nil}, 7: nil},
		Item: Item{"item", 9}, Maybe: &Item{}, MaybeN: &three, Left: &inner,
		More: []Everything{{}, inner},
	}
}

// typed sends what the Rust side has types for.
func (r *run) typed() {
	newWorld(nil, false)
	r.connect()
	all := everything()
	for _, v := range []Everything{all, {}, {Maybe: &Item{}, Left: &Everything{}}} {
		r.types++
		want, _ := r.mirror.through(reflect.ValueOf(&v))
		// A map of Rust's is not nil, and its empty map is gob's nil.
		r.send("Echo.Typed", reflect.ValueOf(&v), want)
	}
	wider := Wider{
		Extra: map[string][]Item{"new": {{"n", 1}}}, Text: "wide", Any: Square{2},
		Item: WiderItem{7, 8}, Int64: -4, Version: 1i,
	}
	r.types++
	// What comes back has what both have.
	want := Wider{Text: "wide", Int64: -4, Item: WiderItem{0, 8}}
	r.send("Echo.Typed", reflect.ValueOf(&wider), reflect.ValueOf(want))
	// Interfaces that the receiver has no field for are skipped by their length.
	drawing := Drawing{
		Title: "drawing", Areas: []Area{Square{1}, &Disc{2, []Area{Square{3}}}}, One: &Disc{Radius: 4},
		Other: []any{[]any{"x", 1}, Derived{Level: 5}}, More: map[string]any{"y": Nest{{}, {{}}}},
	}
	r.types++
	r.send("Echo.Any", reflect.ValueOf(&drawing), reflect.ValueOf(struct{ Title string }{"drawing"}))
	r.drain()
	r.refused()
}

// refused sends what does not fit.
func (r *run) refused() {
	r.connect()
	for _, arg := range []any{
		struct{ Int8 int }{128}, struct{ Uint16 uint32 }{1 << 16}, struct{ Float32 float64 }{1e39},
		struct{ Text int }{1}, struct{ Array [2]uint8 }{}, struct{ List []uint16 }{[]uint16{1}},
		struct{ Nothing int }{1}, "text", []int{1},
	} {
		var reply Everything
		fmt.Printf("%T: %v\n", arg, r.client.Call("Echo.Typed", arg, &reply))
	}
	r.client.Close()
	r.client = nil
}
