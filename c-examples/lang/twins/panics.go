// The twin of panics.c.
package main

import "fmt"

func recovers(name string, r any) {
	if r != nil {
		fmt.Println(name, "recovered", r)
	} else {
		fmt.Println(name + ": nothing")
	}
}

func outermost(name string, fn func()) {
	fmt.Println("--", name)
	defer func() {
		if r := recover(); r != nil {
			fmt.Println("came out:", r)
		} else {
			fmt.Println("returned")
		}
	}()
	fn()
}

func order() {
	defer fmt.Println("first deferred")
	defer fmt.Println("second deferred")
	panic("order")
}

func replaced() {
	defer fmt.Println("remaining")
	defer func() { panic("newer") }()
	panic("older")
}

func repanics() {
	defer func() {
		recovers("inner", recover())
		panic("again")
	}()
	panic("once")
}

func inner() {
	func() {
		defer func() { recovers("inner", recover()) }()
		panic("inside of a deferred call")
	}()
	fmt.Println("inner returns")
}

func outerGoesOn() {
	defer inner()
	panic("outer")
}

func abortedInner() {
	defer func() { panic("newer") }()
	panic("older")
}

func aborts() {
	defer func() { recovers("after", recover()) }()
	defer func() { recovers("outer frame", recover()) }()
	abortedInner()
}

func raisesAfter() {
	defer func() { recovers("last", recover()) }()
	defer func() { panic("from a remaining call") }()
	defer func() { recovers("first", recover()) }()
	panic("one")
}

func main() {
	outermost("order", order)
	outermost("replaced", replaced)
	outermost("repanics", repanics)
	outermost("outer goes on", outerGoesOn)
	outermost("aborts", aborts)
	outermost("raises after", raisesAfter)
}
