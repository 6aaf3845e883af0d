package main

import (
	"encoding/gob"
	"fmt"
	"math/big"
	"math/rand"
	"net"
	"net/url"
	"reflect"
	"time"
)

// world makes types, and remembers some of them to use them again in others.
type world struct {
	rng  *rand.Rand
	json bool
	seen map[reflect.Type]bool
	pool []reflect.Type
	// held are the types that interfaces may hold.
	held []reflect.Type
}

var basics = []reflect.Type{
	reflect.TypeOf(false), reflect.TypeOf(""), reflect.TypeOf([]byte(nil)),
	reflect.TypeOf(int(0)), reflect.TypeOf(int8(0)), reflect.TypeOf(int16(0)),
	reflect.TypeOf(int32(0)), reflect.TypeOf(int64(0)),
	reflect.TypeOf(uint(0)), reflect.TypeOf(uint8(0)), reflect.TypeOf(uint16(0)),
	reflect.TypeOf(uint32(0)), reflect.TypeOf(uint64(0)), reflect.TypeOf(uintptr(0)),
	reflect.TypeOf(float32(0)), reflect.TypeOf(float64(0)),
}

var complexes = []reflect.Type{reflect.TypeOf(complex64(0)), reflect.TypeOf(complex128(0))}

var anything = reflect.TypeOf((*any)(nil)).Elem()

// named are the types that reflection cannot make.
var named = []reflect.Type{
	reflect.TypeOf(Node{}), reflect.TypeOf(&Tree{}), reflect.TypeOf(Nest(nil)),
	reflect.TypeOf(Dict(nil)), reflect.TypeOf(Left{}), reflect.TypeOf(Derived{}),
	reflect.TypeOf(Drawing{}), reflect.TypeOf(Pointers{}), reflect.TypeOf(Colors(nil)),
	reflect.TypeOf([3]Color{}), reflect.TypeOf(Mixed{}), reflect.TypeOf(struct{}{}),
	reflect.TypeOf(Gobbed{}), reflect.TypeOf(Binary{}), reflect.TypeOf(time.Time{}),
	reflect.TypeOf((*big.Int)(nil)), reflect.TypeOf((*url.URL)(nil)), reflect.TypeOf(net.IP(nil)),
	reflect.TypeOf(time.Duration(0)),
}

// namedInJSON are those of them that JSON keeps.
var namedInJSON = []reflect.Type{
	reflect.TypeOf(Node{}), reflect.TypeOf(&Tree{}), reflect.TypeOf(Nest(nil)),
	reflect.TypeOf(Dict(nil)), reflect.TypeOf(Left{}), reflect.TypeOf(Derived{}),
	reflect.TypeOf(Pointers{}), reflect.TypeOf(Colors(nil)), reflect.TypeOf([3]Color{}),
	reflect.TypeOf(struct{}{}), reflect.TypeOf(time.Time{}), reflect.TypeOf((*big.Int)(nil)),
	reflect.TypeOf(time.Duration(0)),
}

func newWorld(rng *rand.Rand, json bool) *world {
	w := &world{rng: rng, json: json, seen: make(map[reflect.Type]bool)}
	if json {
		w.held = []reflect.Type{reflect.TypeOf(false), reflect.TypeOf(""), reflect.TypeOf(float64(0)),
			reflect.TypeOf([]any(nil)), reflect.TypeOf(map[string]any(nil))}
		return w
	}
	w.held = append(w.held, basics...)
	w.held = append(w.held, complexes...)
	w.held = append(w.held, reflect.TypeOf([]string(nil)), reflect.TypeOf([]uint16(nil)))
	for i, v := range registered {
		gob.RegisterName(fmt.Sprintf("registered/%d", i), v)
		w.held = append(w.held, reflect.TypeOf(v))
	}
	return w
}

// fresh makes a type that was not there before.
func (w *world) fresh() reflect.Type {
	for {
		t := w.typ(1 + w.rng.Intn(4))
		if w.seen[t] || t == anything && w.json {
			continue
		}
		w.seen[t] = true
		w.pool = append(w.pool, t)
		// Some are registered, so that interfaces can hold what their peer has not seen.
		if !w.json && t.Kind() == reflect.Struct && t.Name() == "" && w.rng.Intn(10) == 0 {
			gob.RegisterName(fmt.Sprintf("random/%d", len(w.held)), reflect.Zero(t).Interface())
			w.held = append(w.held, t)
		}
		return t
	}
}

// typ makes a type that is nested up to a depth.
func (w *world) typ(depth int) reflect.Type {
	if depth > 0 && len(w.pool) > 50 && w.rng.Intn(4) == 0 {
		return w.pool[w.rng.Intn(len(w.pool))]
	}
	choice := w.rng.Intn(12)
	if depth == 0 {
		choice %= 5
	}
	switch choice {
	case 0, 1, 2:
		return w.basic()
	case 3:
		return w.named()
	case 4:
		return anything
	case 5:
		return reflect.ArrayOf(w.rng.Intn(4), w.typ(depth-1))
	case 6:
		return reflect.MapOf(w.key(), w.typ(depth-1))
	case 7:
		return reflect.PointerTo(w.typ(depth - 1))
	case 8, 9:
		return reflect.SliceOf(w.typ(depth - 1))
	default:
		fields := make([]reflect.StructField, 1+w.rng.Intn(6))
		for i := range fields {
			fields[i] = reflect.StructField{Name: fieldNames[w.rng.Intn(len(fieldNames))] + fmt.Sprint(i), Type: w.typ(depth - 1)}
		}
		return reflect.StructOf(fields)
	}
}

var fieldNames = []string{"A", "Name", "Größe", "Ähre", "X_", "VeryLongFieldNameThatGoesOnAndOn"}

func (w *world) basic() reflect.Type {
	if !w.json && w.rng.Intn(8) == 0 {
		return complexes[w.rng.Intn(len(complexes))]
	}
	return basics[w.rng.Intn(len(basics))]
}

func (w *world) named() reflect.Type {
	if w.json {
		return namedInJSON[w.rng.Intn(len(namedInJSON))]
	}
	return named[w.rng.Intn(len(named))]
}

// key makes a type that maps can have as key.
func (w *world) key() reflect.Type {
	if w.json {
		keys := basics[3:14]
		if w.rng.Intn(2) == 0 {
			return reflect.TypeOf("")
		}
		return keys[w.rng.Intn(len(keys))]
	}
	for {
		t := w.basic()
		switch w.rng.Intn(6) {
		case 0:
			t = reflect.ArrayOf(w.rng.Intn(3), w.basic())
		case 1:
			t = reflect.StructOf([]reflect.StructField{{Name: "K", Type: w.basic()}, {Name: "L", Type: w.basic()}})
		case 2:
			t = anything
		}
		if t.Comparable() {
			return t
		}
	}
}
