// The twin of recover.c.
package main

import "fmt"

func show(what string, r any) {
	if r == nil {
		fmt.Println(what + ": nil")
	} else {
		fmt.Println(what+":", r)
	}
}

func namedResult() (result int) {
	result = 1
	defer fmt.Println("remaining call")
	defer func() {
		if recover() != nil {
			result = -2
		}
	}()
	panic(7)
}

func outside() {
	defer func() { show("no panic", recover()) }()
}

func twice() {
	defer func() {
		show("first", recover())
		show("second", recover())
	}()
	panic(fmt.Sprintf("panic %d of %s", 4, "four"))
}

func helper() {
	defer func() { show("deferred by a helper", recover()) }()
}

func helped() {
	defer func() { show("deferred itself", recover()) }()
	defer helper()
	panic("helped")
}

func null() {
	defer func() { show("nil panic", recover()) }()
	panic(nil)
}

func nullFunction() {
	defer func() { show("nil function", recover()) }()
	var f func()
	defer f()
	fmt.Println("registered")
}

func main() {
	fmt.Println("result", namedResult())
	outside()
	twice()
	helped()
	null()
	nullFunction()
}
