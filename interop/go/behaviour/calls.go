package main

import (
	"fmt"
	"net/rpc"
	"sync"
)

// playCalls calls a method in each of the ways in which Go passes arguments.
func playCalls(s *server) {
	client := s.dial()
	args := &Args{7, 8}
	var product int
	fmt.Println("pointer", client.Call("Arith.Multiply", args, &product), product)
	fmt.Println("value", client.Call("Arith.Multiply", *args, &product), product)
	fmt.Println("pointer to pointer", client.Call("Arith.Multiply", &args, &product), product)
	var quotient Quotient
	fmt.Println("struct", client.Call("Arith.Divide", Args{17, 5}, &quotient), quotient)
	fmt.Println("dotted name", client.Call("v1.example.Arith.Multiply", args, &product), product)
	fmt.Println("reply nobody wants", client.Call("Arith.Divide", args, nil))
	fmt.Println("zero argument", client.Call("Arith.Multiply", Args{}, &product), product)
}

// playOrder has two calls answered in the order in which they end.
func playOrder(s *server) {
	client := s.dial()
	done := make(chan *rpc.Call, 2)
	first := client.Go("Gate.Wait", "first", new(string), done)
	second := client.Go("Gate.Wait", "second", new(string), done)
	var yes bool
	for _, name := range []string{"first", "second"} {
		fmt.Println("entered", client.Call("Gate.Entered", name, &yes), yes)
	}
	fmt.Println("open", client.Call("Gate.Open", "second", &yes), yes)
	call := <-done
	fmt.Println(*call.Reply.(*string), call.Error, call == second)
	fmt.Println("open", client.Call("Gate.Open", "first", &yes), yes)
	call = <-done
	fmt.Println(*call.Reply.(*string), call.Error, call == first)
}

// playDone starts a call and waits for it on the channel that Go made.
func playDone(s *server) {
	client := s.dial()
	call := client.Go("Arith.Multiply", &Args{6, 7}, new(int), nil)
	done := <-call.Done
	fmt.Println(done == call, done.ServiceMethod, *done.Args.(*Args), *done.Reply.(*int), done.Error)
}

// playGoroutines shares one client among many goroutines.
func playGoroutines(s *server) {
	client := s.dial()
	var running sync.WaitGroup
	right := make([]int, 8)
	for g := range right {
		running.Add(1)
		go func(g int) {
			defer running.Done()
			for i := 0; i < 100; i++ {
				var product int
				if client.Call("Arith.Multiply", &Args{g + 2, i}, &product) == nil && product == (g+2)*i {
					right[g]++
				}
			}
		}(g)
	}
	running.Wait()
	fmt.Println(right)
}

// playErrors has a method fail, and looks at what its caller gets.
func playErrors(s *server) {
	client := s.dial()
	for _, text := range []string{"divide by zero", "überall: \"quoted\"\n<&>"} {
		reply := "untouched"
		err := client.Call("Fail.With", text, &reply)
		_, remote := err.(rpc.ServerError)
		fmt.Printf("%q %v %s\n", err, remote, reply)
	}
	quotient := Quotient{1, 2}
	fmt.Println(client.Call("Arith.Divide", &Args{1, 0}, &quotient), quotient)
	fmt.Println(client.Call("Arith.Divide", &Args{7, 2}, &quotient), quotient)
}

// playWordless has a method fail with an error that says nothing.
func playWordless(s *server) {
	client := s.dial()
	reply := "untouched"
	fmt.Println(client.Call("Fail.With", "", &reply), reply)
	var product int
	fmt.Println(client.Call("Arith.Multiply", &Args{7, 8}, &product), product)
}

// playEmpty reads replies that the method never wrote, into variables that
// hold something.
func playEmpty(s *server) {
	client := s.dial()
	table, list, pair := map[string]int(nil), []int(nil), Args{1, 2}
	fmt.Println(client.Call("Empty.Table", true, &table), table != nil, len(table))
	fmt.Println(client.Call("Empty.List", true, &list), len(list))
	fmt.Println(client.Call("Empty.Pair", true, &pair), pair)
}

// playPanic calls a method that panics; Go's server would end.
func playPanic(s *server) {
	client := s.dial()
	waiting := client.Go("Gate.Wait", "panic", new(string), nil)
	var yes bool
	fmt.Println("entered", client.Call("Gate.Entered", "panic", &yes), yes)
	reply := "untouched"
	err := client.Call("Fail.Panic", "as asked", &reply)
	_, remote := err.(rpc.ServerError)
	fmt.Println(err, remote, reply)
	fmt.Println("open", client.Call("Gate.Open", "panic", &yes), yes)
	call := <-waiting.Done
	fmt.Println(*call.Reply.(*string), call.Error)
}

// playUnknown calls what is not there, with an argument whose type must be
// known afterwards although nobody read it.
func playUnknown(s *server) {
	client := s.dial()
	var product int
	for _, method := range []string{"Nobody.Home", "Arith.Add", "nodots", "", "Arith.", ".Multiply", "arith.multiply"} {
		err := client.Call(method, &Args{7, 8}, &product)
		_, remote := err.(rpc.ServerError)
		fmt.Println(err, remote)
	}
	fmt.Println(client.Call("Arith.Multiply", &Args{7, 8}, &product), product)
}

// playMisfit sends arguments that the method cannot take.
func playMisfit(s *server) {
	client := s.dial()
	var product int
	for _, argument := range []any{"text", 7, 7.5, true} {
		err := client.Call("Arith.Multiply", argument, &product)
		_, remote := err.(rpc.ServerError)
		fmt.Printf("%T refused: %v\n", argument, remote)
		fmt.Println(client.Call("Arith.Multiply", &Args{7, 8}, &product), product)
	}
}

// playList sends a list where a struct belongs.
func playList(s *server) {
	client := s.dial()
	var product int
	err := client.Call("Arith.Multiply", []int{7, 8}, &product)
	_, remote := err.(rpc.ServerError)
	fmt.Println(remote, product)
	fmt.Println(client.Call("Arith.Multiply", &Args{7, 8}, &product), product)
}
