package main

import (
	"math"
	"math/big"
	"math/rand"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// fill makes *v random. Pointers that must not be nil are those that gob cannot
// send as nil: elements, keys and what is sent itself.
func (w *world) fill(v reflect.Value, depth int, must bool) {
	if w.special(v, must) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(w.rng.Intn(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(w.int(v.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(uint64(w.int(64)) >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(w.float(v.Type().Bits()))
	case reflect.Complex64, reflect.Complex128:
		bits := v.Type().Bits() / 2
		v.SetComplex(complex(w.float(bits), w.float(bits)))
	case reflect.String:
		v.SetString(w.text())
	case reflect.Array:
		for i := 0; i < v.Len(); i++ {
			w.fill(v.Index(i), depth-1, true)
		}
	case reflect.Slice:
		w.fillSlice(v, depth)
	case reflect.Map:
		w.fillMap(v, depth)
	case reflect.Pointer:
		if must || depth > 0 && w.rng.Intn(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			w.fill(v.Elem(), depth-1, must)
		}
	case reflect.Interface:
		w.fillInterface(v, depth)
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			if v.Field(i).CanSet() {
				w.fill(v.Field(i), depth-1, false)
			}
		}
	}
}

func (w *world) fillSlice(v reflect.Value, depth int) {
	if w.rng.Intn(6) == 0 {
		return
	}
	n := w.count(depth)
	if v.Type().Elem().Kind() == reflect.Uint8 {
		n = w.rng.Intn(300)
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := 0; i < n; i++ {
		w.fill(v.Index(i), depth-1, true)
	}
}

func (w *world) fillMap(v reflect.Value, depth int) {
	if w.rng.Intn(6) == 0 {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := w.count(depth); i > 0; i-- {
		key := reflect.New(v.Type().Key()).Elem()
		elem := reflect.New(v.Type().Elem()).Elem()
		if key.Kind() == reflect.Interface {
			// Two keys that point to equal things are two keys, so there are no pointers.
			held := reflect.New(w.held[w.rng.Intn(len(basics))]).Elem()
			w.fill(held, 1, true)
			key.Set(held)
		} else {
			w.fill(key, 1, true)
		}
		w.fill(elem, depth-1, true)
		// What is not equal to itself cannot be found again, and what cannot be
		// compared cannot be a key.
		if key.Comparable() && key.Equal(key) {
			v.SetMapIndex(key, elem)
		}
	}
}

func (w *world) fillInterface(v reflect.Value, depth int) {
	if depth <= 0 || w.rng.Intn(5) == 0 {
		return
	}
	for {
		t := w.held[w.rng.Intn(len(w.held))]
		if !t.AssignableTo(v.Type()) {
			continue
		}
		held := reflect.New(t).Elem()
		w.fill(held, depth-1, true)
		v.Set(held)
		return
	}
}

// special fills what has a form of its own.
func (w *world) special(v reflect.Value, must bool) bool {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Unix(w.rng.Int63n(1<<37)-1<<35, w.rng.Int63n(1e9)).UTC()
		switch w.rng.Intn(3) {
		case 0:
			*p = p.In(time.FixedZone("", (w.rng.Intn(1400)-700)*60))
		case 1:
			*p = time.Time{}
		}
	case **big.Int:
		if must || w.rng.Intn(3) > 0 {
			*p = new(big.Int).Lsh(big.NewInt(w.rng.Int63()-1<<62), uint(w.rng.Intn(200)))
		}
	case **url.URL:
		if must || w.rng.Intn(3) > 0 {
			*p = &url.URL{Scheme: "https", Host: "example.org", Path: "/" + letters(w.rng, 5)}
		}
	case *Gobbed:
		p.text = w.text()
	case *Binary:
		p.text = strings.ToUpper(letters(w.rng, w.rng.Intn(5)))
	case *Node:
		// A list that is longer than most things are deep; JSON has a limit of 128 there.
		if w.rng.Intn(4) == 0 {
			long := 300
			if w.json {
				long = 100
			}
			for i := w.rng.Intn(long); i > 0; i-- {
				next := *p
				*p = Node{Value: i, Next: &next}
			}
			return true
		}
		return false
	default:
		return false
	}
	return true
}

func (w *world) count(depth int) int {
	if depth <= 0 {
		return 0
	}
	return w.rng.Intn(4)
}

// int returns one that fits; extremes are as likely as all others together.
func (w *world) int(bits int) int64 {
	switch w.rng.Intn(8) {
	case 0:
		return 0
	case 1:
		return math.MinInt64 >> (64 - bits)
	case 2:
		return math.MaxInt64 >> (64 - bits)
	case 3:
		return -1
	default:
		return int64(w.rng.Uint64()) >> (64 - bits + w.rng.Intn(bits))
	}
}

func (w *world) float(bits int) float64 {
	special := []float64{0, math.Copysign(0, -1), 1, -1, math.MaxFloat32, math.SmallestNonzeroFloat32, 17, 0.1}
	if !w.json {
		special = append(special, math.Inf(1), math.Inf(-1), math.NaN())
	}
	if bits == 64 {
		special = append(special, math.MaxFloat64, math.SmallestNonzeroFloat64)
	}
	f := w.rng.NormFloat64() * math.Pow(10, float64(w.rng.Intn(60)-30))
	if w.rng.Intn(2) == 0 {
		f = special[w.rng.Intn(len(special))]
	}
	if bits == 32 {
		return float64(float32(f))
	}
	return f
}

// text returns a string; to gob it may be any bytes.
func (w *world) text() string {
	switch w.rng.Intn(6) {
	case 0:
		return ""
	case 1:
		return "客户端/42 \U0001f493 </script> \" \\ \n\x00"
	case 2:
		if w.json {
			return "\u2028\ufffd"
		}
		return "\xff\xfe\x80" + letters(w.rng, 3)
	case 3:
		return strings.Repeat(letters(w.rng, 7), 40)
	default:
		return letters(w.rng, w.rng.Intn(12))
	}
}

func letters(rng *rand.Rand, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = byte('a' + rng.Intn(26))
	}
	return string(text)
}
