// The twin of if1_nil.c.
package main

import "fmt"

type Fault struct{ code int32 }

func (f *Fault) Error() string {
	if f != nil {
		return "fault"
	}
	return "no fault at all"
}

type Failure interface{ Error() string }

func tell(what string, isNil bool) {
	if isNil {
		fmt.Printf("%s: nil\n", what)
	} else {
		fmt.Printf("%s: not nil\n", what)
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func main() {
	var nothing any
	var nilPointer any = (*Fault)(nil)
	var none Failure
	tell("no value", nothing == nil)
	tell("nil pointer", nilPointer == nil)
	fmt.Printf("equal: %d\n", bit(nothing == nilPointer))

	failure := nilPointer.(Failure)
	tell("no interface", none == nil)
	tell("interface of a nil pointer", failure == nil)
	fmt.Printf("its method says: %s\n", failure.Error())
	tell("what it holds", failure.(*Fault) == nil)
	tell("what nothing holds", any(none) == nil)
}
