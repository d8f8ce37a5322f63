// What Go pays for the same.
package main

import (
	"fmt"
	"syscall"
)

var count int

func cpu() float64 {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Nano() + r.Stime.Nano())
}

func row(name string, n int, f func(n int)) {
	best := 1e18
	for range 7 {
		start := cpu()
		f(n)
		best = min(best, (cpu()-start)/float64(n))
	}
	fmt.Printf("%s %.3f\n", name, best)
}

//go:noinline
func body(p *int) {}

//go:noinline
func frameOneDefer() {
	defer func() { count++ }()
	body(&count)
}

//go:noinline
func frameFourDefers() {
	defer func() { count++ }()
	defer func() { count++ }()
	defer func() { count++ }()
	defer func() { count++ }()
	body(&count)
}

//go:noinline
func panicRecover() {
	defer func() { recover() }()
	panic(1)
}

type shape interface{ Area() int }
type square struct{ side int }

//go:noinline
func (s *square) Area() int { return s.side }

var held shape = &square{3}
var value any = held

var add = func() func(*int) {
	env := 1
	return func(p *int) { *p += env }
}()

//go:noinline
func assertShape(v any) bool {
	_, ok := v.(shape)
	return ok
}

//go:noinline
func assertSquare(v any) bool {
	_, ok := v.(*square)
	return ok
}

func is(s shape) int {
	if s != nil {
		return 1
	}
	return 0
}

// 64 places that assert. Go remembers itabs at each of them, and adds one once in about a thousand times that it met none.
//
//go:noinline
func assertAtSites(v any) {
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
	count += is(v.(shape)) + is(v.(shape)) + is(v.(shape)) + is(v.(shape))
}

func main() {
	const many, few = 10000000, 500000
	row("frame_one_defer", many, func(n int) {
		for range n {
			frameOneDefer()
		}
	})
	row("frame_four_defers", many, func(n int) {
		for range n {
			frameFourDefers()
		}
	})
	row("panic_recover", few, func(n int) {
		for range n {
			panicRecover()
		}
	})
	row("call_closure", many, func(n int) {
		for range n {
			add(&count)
		}
	})
	row("call_interface", many, func(n int) {
		for range n {
			count += held.Area()
		}
	})
	row("assert_to_interface", many, func(n int) {
		sum := 0
		for range n {
			if assertShape(value) {
				sum++
			}
		}
		count += sum
	})
	row("assert_at_new_places", 32*64, func(n int) {
		for range n / 64 {
			assertAtSites(value)
		}
	})
	row("assert_to_type", many, func(n int) {
		sum := 0
		for range n {
			if assertSquare(value) {
				sum++
			}
		}
		count += sum
	})
}
