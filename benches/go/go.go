// What goroutines cost in Go: the same as gort.c beside this file.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

func report(name string, start time.Time, n int) {
	fmt.Printf("%s %.2f\n", name, float64(time.Since(start).Nanoseconds())/float64(n))
}

func spawnJoin() {
	const n, rounds = 100000, 5
	var all sync.WaitGroup
	start := time.Now()
	for range rounds {
		all.Add(n)
		for range n {
			go all.Done()
		}
		all.Wait()
	}
	report("spawn_join", start, n*rounds)
}

func yield() {
	const yields, yielders = 200000, 4
	var all sync.WaitGroup
	start := time.Now()
	for range yielders {
		all.Go(func() {
			for range yields {
				runtime.Gosched()
			}
		})
	}
	all.Wait()
	report("yield", start, yields*yielders)
}

func roundTrip() {
	const n = 500000
	ping, pong := make(chan int64), make(chan int64)
	go func() {
		for v := range ping {
			pong <- v
		}
	}()
	start := time.Now()
	for range n {
		ping <- 0
		<-pong
	}
	report("round_trip", start, n)
	close(ping)
}

func buffered() {
	const n = 2000000
	ch := make(chan int64, 128)
	start := time.Now()
	go func() {
		for i := range int64(n) {
			ch <- i
		}
		close(ch)
	}()
	for range ch {
	}
	report("buffered_128", start, n)
}

func ring() {
	const n, laps = 1000, 300
	first := make(chan int64)
	in := first
	for range n {
		out := make(chan int64)
		go func(in, out chan int64) {
			for v := range in {
				out <- v
			}
		}(in, out)
		in = out
	}
	start := time.Now()
	for range laps {
		first <- 0
		<-in
	}
	report("ring_hop", start, n*laps)
}

func select3() {
	const n = 300000
	var chs [3]chan int64
	for i := range chs {
		chs[i] = make(chan int64)
		go func() {
			for v := range int64(n) {
				chs[i] <- v
			}
		}()
	}
	start := time.Now()
	for range 3 * n {
		select {
		case <-chs[0]:
		case <-chs[1]:
		case <-chs[2]:
		}
	}
	report("select_3", start, 3*n)
}

func node(up chan int64, number, size int64) {
	if size == 1 {
		up <- number
		return
	}
	ch := make(chan int64)
	for i := range int64(10) {
		go node(ch, number+i*(size/10), size/10)
	}
	var sum int64
	for range 10 {
		sum += <-ch
	}
	up <- sum
}

func skynet() {
	up := make(chan int64)
	start := time.Now()
	go node(up, 0, 1000000)
	<-up
	report("skynet", start, 1111111)
}

func mutex() {
	const n, lockers = 1000000, 8
	var all sync.WaitGroup
	var lock sync.Mutex
	count := 0
	start := time.Now()
	for range lockers {
		all.Go(func() {
			for range n {
				lock.Lock()
				count++
				lock.Unlock()
			}
		})
	}
	all.Wait()
	report("mutex_8", start, n*lockers)
}

func sieve() {
	const primes = 500
	ch := make(chan int64)
	start := time.Now()
	go func(ch chan int64) {
		for i := int64(2); ; i++ {
			ch <- i
		}
	}(ch)
	for range primes {
		prime := <-ch
		out := make(chan int64)
		go func(in, out chan int64) {
			for v := range in {
				if v%prime != 0 {
					out <- v
				}
			}
		}(ch, out)
		ch = out
	}
	report("sieve_500_us", start, 1000)
}

func main() {
	spawnJoin()
	yield()
	roundTrip()
	buffered()
	ring()
	select3()
	skynet()
	mutex()
	sieve()
}
