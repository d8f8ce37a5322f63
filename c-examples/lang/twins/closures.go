// The twin of closures.c.
package main

import "fmt"

type adder struct {
	f func(*int64)
	n *int64
}

func makeAdder(n int64) adder {
	return adder{func(sum *int64) { *sum += n }, &n}
}

func makers() {
	one, ten := makeAdder(1), makeAdder(10)
	var sum int64
	one.f(&sum)
	ten.f(&sum)
	ten.f(&sum)
	fmt.Println("sum", sum)
	*one.n = 100
	one.f(&sum)
	ten.f(&sum)
	fmt.Println("sum", sum)
}

func hello(name string) {
	fmt.Println("hello, " + name)
}

func plain() {
	f := hello
	f("plain")
	fmt.Println("same 1, allocated 0")
	f("still there")
}

func shared() {
	count := 0
	up := func() { count++ }
	get := func() int { return count }
	up()
	up()
	fmt.Println("shared", get())
	fmt.Println("still", get())
}

func loops() {
	var own, one [3]func() int
	for i := 0; i < 3; i++ {
		own[i] = func() int { return i }
	}
	var variable int
	for variable = 0; variable < 3; variable++ {
		one[variable] = func() int { return variable }
	}
	for i := range 3 {
		fmt.Printf("own %d, one %d\n", own[i](), one[i]())
	}
}

func deferred() {
	var sum int64
	func() {
		defer makeAdder(5).f(&sum)
		fmt.Println("before", sum)
	}()
	fmt.Println("after", sum)
}

func main() {
	makers()
	plain()
	shared()
	loops()
	deferred()
	fmt.Println("left over 0")
}
