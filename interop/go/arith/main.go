// Command arith calls the Arith service of net/rpc's package documentation and
// prints, one line each, what came back.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/rpc"
	"net/rpc/jsonrpc"
)

// Args is what both methods take.
type Args struct {
	A, B int
}

// Quotient is what Arith.Divide answers.
type Quotient struct {
	Quo, Rem int
}

func main() {
	addr := flag.String("addr", "127.0.0.1:1234", "`address` of the server")
	dialer := flag.String("dial", "tcp", "how to dial: tcp, http or json")
	flight := flag.Int("flight", 100, "calls in flight at once")
	flag.Parse()

	client, err := dial(*dialer, *addr)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	var product int
	report("Multiply(7, 8)", &product, client.Call("Arith.Multiply", &Args{7, 8}, &product))
	var quotient Quotient
	report("Divide(17, 5)", &quotient, client.Call("Arith.Divide", &Args{17, 5}, &quotient))
	report("Divide(17, 0)", &quotient, client.Call("Arith.Divide", &Args{17, 0}, &quotient))
	report("Multiply(-3, 1000000007)", &product, client.Call("Arith.Multiply", &Args{-3, 1000000007}, &product))
	fmt.Printf("%d in flight: %d right\n", *flight, inFlight(client, *flight))
}

func dial(how, addr string) (*rpc.Client, error) {
	switch how {
	case "tcp":
		return rpc.Dial("tcp", addr)
	case "http":
		return rpc.DialHTTP("tcp", addr)
	case "json":
		return jsonrpc.Dial("tcp", addr)
	default:
		return nil, fmt.Errorf("-dial must be tcp, http or json, not %q", how)
	}
}

func report(call string, reply any, err error) {
	if err != nil {
		fmt.Printf("%s error: %v\n", call, err)
		return
	}
	switch value := reply.(type) {
	case *int:
		fmt.Printf("%s = %d\n", call, *value)
	case *Quotient:
		fmt.Printf("%s = %d remainder %d\n", call, value.Quo, value.Rem)
	}
}

// inFlight starts many calls before it waits for the first, and returns how
// many were answered with the right product.
func inFlight(client *rpc.Client, calls int) int {
	done := make(chan *rpc.Call, calls)
	for i := 0; i < calls; i++ {
		client.Go("Arith.Multiply", &Args{i, i + 1}, new(int), done)
	}
	right := 0
	for i := 0; i < calls; i++ {
		call := <-done
		args := call.Args.(*Args)
		if call.Error == nil && *call.Reply.(*int) == args.A*args.B {
			right++
		}
	}
	return right
}
