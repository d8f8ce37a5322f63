// The twin of if2_messages.c.
package main

import (
	"fmt"
	html "html/template"
	text "text/template"
)

type T struct{ x int32 }

func (t T) Name() string    { return "t" }
func (t *T) Rename() string { return "t" }

type I interface {
	Zoom() string
	Missing() string
	Name() string
}
type Namer interface{ Name() string }
type Renamer interface {
	Rename() string
	Name() string
}
type Any interface{}

func try[A any](v any) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Println(r)
		}
	}()
	_ = v.(A)
	fmt.Println("holds")
}

func tryNamer[A any](v Namer) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Println(r)
		}
	}()
	_ = v.(A)
	fmt.Println("holds")
}

func local(value any) {
	type T struct{ x int32 }
	defer func() { fmt.Println(recover()) }()
	_ = value.(T)
}

func localNamer(value Namer) {
	type T struct {
		x int32
		Namer
	}
	defer func() { fmt.Println(recover()) }()
	_ = value.(T)
}

func main() {
	t := &T{1}
	var value, pointer any = *t, t
	try[string]("x")
	try[int64]("x")
	try[int64](nil)
	try[[]*T](int64(1))
	try[T](pointer)
	try[I](value)
	try[I](int64(1))
	try[I](nil)
	try[Any](nil)
	try[Any](value)
	try[Namer](value)
	try[Renamer](value)
	try[Renamer](pointer)
	local(value)
	try[html.Template](text.Template{})
	try[I](value)
	try[Renamer](pointer)
	localNamer(*t)
	tryNamer[T](*t)
	tryNamer[I](*t)
}
