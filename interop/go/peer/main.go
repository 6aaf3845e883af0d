// Command peer is a stock net/rpc client, the kind a stranger writes from Go's
// documentation alone: it dials, calls Heartbeat.Ping, and prints the reply.
//
// Every reply is one line on standard output, every failure one line that
// begins with "error: ". After the last ping it ends in one of the ways in
// which programs end; see -then.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:7400", "`address` of the server")
	dialer := flag.String("dial", "tcp", "how to dial: tcp, http or json")
	name := flag.String("name", "client-42", "the session's name")
	every := flag.Duration("every", 10*time.Second, "pause between two pings")
	count := flag.Int("count", 1, "pings to send; 0 means no end")
	then := flag.String("then", "exit", "after the last ping: exit, hang, kill or close\n"+
		"(hang and close stay until standard input closes)")
	clients := flag.Int("clients", 1, "clients at once, named NAME-0, NAME-1, … if more than one")
	methods := flag.Bool("methods", false, "call an unknown service and an unknown method before the first ping")
	flag.Parse()

	peers := make([]*peer, *clients)
	for i := range peers {
		client, err := dial(*dialer, *addr)
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		peers[i] = &peer{client: client, name: *name}
		if *clients > 1 {
			peers[i].name += "-" + strconv.Itoa(i)
		}
	}
	if *methods {
		peers[0].callUnknown()
	}
	if !pingAll(peers, *count, *every) {
		os.Exit(1)
	}
	finish(*then, peers)
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

type peer struct {
	client *rpc.Client
	name   string
}

// pingAll runs the peers at once and reports whether each of their pings was
// answered.
func pingAll(peers []*peer, count int, every time.Duration) bool {
	var running sync.WaitGroup
	failed := make([]error, len(peers))
	for i, p := range peers {
		running.Add(1)
		go func(i int, p *peer) {
			defer running.Done()
			failed[i] = p.pingEvery(every, count)
		}(i, p)
	}
	running.Wait()
	answered := true
	for _, err := range failed {
		if err != nil {
			fmt.Println("error:", err)
			answered = false
		}
	}
	return answered
}

func (p *peer) pingEvery(every time.Duration, count int) error {
	for sent := 0; count == 0 || sent < count; sent++ {
		if sent > 0 {
			time.Sleep(every)
		}
		if err := p.ping(); err != nil {
			return err
		}
	}
	return nil
}

func (p *peer) ping() error {
	var reply string
	if err := p.client.Call("Heartbeat.Ping", p.name, &reply); err != nil {
		return err
	}
	fmt.Println(reply)
	return nil
}

// callUnknown prints what the server says to names that it does not know.
func (p *peer) callUnknown() {
	for _, method := range []string{"Nobody.Ping", "Heartbeat.Pong", "nodots"} {
		var reply string
		if err := p.client.Call(method, p.name, &reply); err != nil {
			fmt.Println("error:", err)
		} else {
			fmt.Println(reply)
		}
	}
}

func finish(then string, peers []*peer) {
	switch then {
	case "exit":
	case "hang":
		io.Copy(io.Discard, os.Stdin)
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "close":
		for _, p := range peers {
			p.client.Close()
		}
		io.Copy(io.Discard, os.Stdin)
	default:
		log.Fatalf("-then must be exit, hang, kill or close, not %q", then)
	}
}
