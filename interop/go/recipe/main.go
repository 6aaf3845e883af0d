// Command recipe is the classic heartbeat recipe for Go's net/rpc, as a server.
//
// It is what carotid is compared with: Heartbeat.Ping answers "Pong", every
// connection has an id and a time it was last active, kept in one map under a
// lock, deadlines are renewed before each read and write, TCP keepalive runs
// every 30 s, and a sweep every 15 s closes the connections that were silent
// for 60 s.
//
// Once it listens it prints one line, {"rpc":"ADDR"}, to standard output; with
// -trace, then a line for each ping: ping NAME.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/rpc"
	"os"
	"time"
)

const keepAlivePeriod = 30 * time.Second

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`address` to listen on")
	overHTTP := flag.Bool("http", false, "serve through rpc.HandleHTTP, for rpc.DialHTTP")
	timeout := flag.Duration("timeout", 60*time.Second, "silence after which a connection is dropped")
	sweep := flag.Duration("sweep", 15*time.Second, "how often silent connections are looked for")
	trace := flag.Bool("trace", false, "print every ping")
	flag.Parse()

	if err := rpc.RegisterName("Heartbeat", &Heartbeat{trace: *trace}); err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	address := map[string]string{"rpc": listener.Addr().String()}
	if err := json.NewEncoder(os.Stdout).Encode(address); err != nil {
		log.Fatal(err)
	}

	roster := NewRoster()
	go roster.SweepEvery(*sweep, *timeout)
	watched := &watchedListener{Listener: listener, roster: roster, timeout: *timeout}
	if *overHTTP {
		// net/http interrupts its own read with a deadline when rpc takes the
		// connection over; a renewed deadline would undo that.
		watched.timeout = 0
		rpc.HandleHTTP()
		log.Fatal(http.Serve(watched, nil))
	}
	log.Fatal(serve(watched))
}

func serve(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil {
			log.Print(err)
			continue
		}
		go rpc.ServeConn(conn)
	}
}

// Heartbeat is the service that clients call.
type Heartbeat struct {
	trace bool
}

// Ping answers "Pong", whatever it is sent.
func (h *Heartbeat) Ping(name string, reply *string) error {
	if h.trace {
		fmt.Println("ping", name)
	}
	*reply = "Pong"
	return nil
}
