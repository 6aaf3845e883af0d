// Command table measures the table that the recipe keeps: a Go map from a
// client's name to when it was last active, behind a lock.
//
// It prints one line: {"bytes_per_entry":N,"touch_ns":N}.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"os"
	"runtime"
	"sync"
	"time"
)

type client struct {
	lastActive time.Time
}

func main() {
	entries := flag.Int("entries", 1_000_000, "clients in the table")
	flag.Parse()

	var mu sync.Mutex
	before := heap()
	clients := make(map[string]*client)
	for i := 0; i < *entries; i++ {
		clients[name(i)] = &client{lastActive: time.Now()}
	}
	perEntry := float64(heap()-before) / float64(*entries)

	order := rand.New(rand.NewSource(1)).Perm(*entries)
	names := make([]string, *entries)
	for at, i := range order {
		names[at] = name(i)
	}
	start := time.Now()
	for _, n := range names {
		mu.Lock()
		clients[n].lastActive = time.Now()
		mu.Unlock()
	}
	perTouch := float64(time.Since(start).Nanoseconds()) / float64(*entries)

	figures := map[string]float64{"bytes_per_entry": perEntry, "touch_ns": perTouch}
	if err := json.NewEncoder(os.Stdout).Encode(figures); err != nil {
		log.Fatal(err)
	}
}

// name is 14 bytes long, like those in carotid's own measurement.
func name(i int) string {
	return fmt.Sprintf("bench/%08d", i)
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
