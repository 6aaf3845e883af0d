// Command echo sends values of random types to an Echo service and compares
// what comes back; with -serve it is such a service, for types that the caller
// describes.
//
// What a value must come back as is what it becomes when Go's own encoder and
// decoder have had it: neither gob nor JSON keeps nil apart from empty
// everywhere.
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand"
	"net/rpc"
	"net/rpc/jsonrpc"
	"reflect"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:1234", "`address` of the server")
	serving := flag.Bool("serve", false, "be the server, on a free port of the loopback interface")
	dialer := flag.String("dial", "gob", "gob or json")
	typed := flag.Bool("typed", false, "send the types that the Rust side has by name instead of random ones")
	seed := flag.Int64("seed", 1, "where the random numbers begin")
	types := flag.Int("types", 10000, "random types")
	values := flag.Int("values", 2, "values of each type")
	per := flag.Int("per", 500, "types per connection")
	flight := flag.Int("flight", 32, "calls in flight at once")
	flag.Parse()

	if *serving {
		log.Fatal(serve(*dialer))
	}
	run := &run{addr: *addr, json: *dialer == "json", flight: *flight}
	if *typed {
		run.typed()
	} else {
		run.random(*seed, *types, *values, *per)
	}
	log.Printf("%d connections; Go cannot send %d further types to itself", run.connections, run.unsendable)
	fmt.Printf("%d types, %d values: %d wrong\n", run.types, run.values, run.wrong)
}

// run is one run as a client.
type run struct {
	addr   string
	json   bool
	flight int

	client *rpc.Client
	// mirror is Go's own encoder and decoder, as old as the connection.
	mirror *mirror
	// free holds a token for each call that may begin.
	free chan struct{}
	// done has the outcome of the calls that came back.
	done chan *sent

	types, values, connections, unsendable, wrong int
}

// sent is a call under way.
type sent struct {
	call *rpc.Call
	want reflect.Value
}

func (r *run) random(seed int64, types, values, per int) {
	rng := rand.New(rand.NewSource(seed))
	w := newWorld(rng, r.json)
	for r.types < types {
		if r.connections*per <= r.types {
			r.connect()
		}
		t := w.fresh()
		v, want, ok := r.draw(w, t)
		if !ok {
			r.unsendable++
			continue
		}
		r.types++
		for i := 0; i < values && ok; i++ {
			r.send("Echo.Any", v, want)
			v, want, ok = r.draw(w, t)
		}
	}
	r.drain()
}

// draw makes a value that Go itself can send, and says what it becomes. There
// is none if, for example, a pointer is nil in JSON, or if Go's encoder trips
// over a pointer to a pointer to what writes itself.
func (r *run) draw(w *world, t reflect.Type) (v, want reflect.Value, ok bool) {
	for i := 0; i < 20; i++ {
		v = reflect.New(t)
		w.fill(v.Elem(), 5, true)
		if want, ok = r.mirror.through(v); ok {
			return v, want, true
		}
		// What is left of the attempt would spoil the next one.
		r.mirror = newMirror(r.json)
	}
	return v, want, false
}

func (r *run) connect() {
	r.drain()
	dial := rpc.Dial
	if r.json {
		dial = jsonrpc.Dial
	}
	client, err := dial("tcp", r.addr)
	if err != nil {
		log.Fatal(err)
	}
	r.client, r.mirror = client, newMirror(r.json)
	r.connections++
	r.free = make(chan struct{}, r.flight)
	r.done = make(chan *sent, r.flight)
}

// send begins a call, after another has ended if there are too many.
func (r *run) send(method string, arg, want reflect.Value) {
	select {
	case r.free <- struct{}{}:
	case s := <-r.done:
		r.check(s)
	}
	r.values++
	s := &sent{want: want}
	done := make(chan *rpc.Call, 1)
	s.call = r.client.Go(method, arg.Interface(), reflect.New(want.Type()).Interface(), done)
	go func(out chan *sent) {
		<-done
		out <- s
	}(r.done)
}

func (r *run) check(s *sent) {
	got := reflect.ValueOf(s.call.Reply).Elem()
	switch {
	case s.call.Error != nil:
		r.complain("%v: %v", s.want.Type(), s.call.Error)
	case !same(s.want, got):
		r.complain("%v: sent %#v, got %#v", s.want.Type(), s.want, got)
	}
}

func (r *run) complain(format string, args ...any) {
	if r.wrong++; r.wrong <= 10 {
		fmt.Printf(format+"\n", args...)
	}
}

// drain waits for all that is under way and closes the connection.
func (r *run) drain() {
	if r.client == nil {
		return
	}
	for len(r.free) > 0 {
		r.check(<-r.done)
		<-r.free
	}
	r.client.Close()
	r.client = nil
}
