// The twin of reflect.c.
package main

import (
	"fmt"
	"reflect"
)

type Vec struct{ X, Y float32 }
type Any any
type Stringer interface{ String() string }
type Sprite struct {
	Name    string
	Layer   int16
	Visible bool
	At      Vec
	Frames  [3]int32
	Tag     Any
	Owner   Stringer
}
type Celsius float64

func (c Celsius) String() string {
	if c > 30 {
		return "hot"
	}
	return "cool"
}
func (s Sprite) Hidden() string {
	if s.Visible {
		return "seen"
	}
	return "hidden"
}
func (s *Sprite) Move(dx, dy float64) int64 {
	s.At.X += float32(dx)
	s.At.Y += float32(dy)
	return int64(s.Layer)
}

func show(what string, v any) {
	if v == nil {
		fmt.Println(what, "nil = <nil>")
	} else {
		fmt.Printf("%s %T = %v\n", what, v, v)
	}
}

func get(s *Sprite, name string) any {
	f := reflect.ValueOf(s).Elem().FieldByName(name)
	if !f.IsValid() {
		return nil
	}
	return f.Interface()
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func fields(s *Sprite) {
	t := reflect.TypeOf(*s)
	for i := range t.NumField() {
		fmt.Printf("%s %v: ", t.Field(i).Name, t.Field(i).Type)
		show("value", get(s, t.Field(i).Name))
	}
	show("no such field", get(s, "Nothing"))
	f, _ := t.FieldByName("At")
	fmt.Printf("by name: %d, beyond: %d\n", bit(f.Index[0] == 3), bit(t.NumField() == 7))
}

func set(s *Sprite, name string, v any) {
	f := reflect.ValueOf(s).Elem().FieldByName(name)
	said := "done"
	switch value := reflect.ValueOf(v); {
	case !f.IsValid():
		said = "no such field"
	case v == nil && f.Kind() == reflect.Interface:
		f.SetZero()
	case v == nil || !value.Type().AssignableTo(f.Type()):
		said = "wrong type"
	default:
		f.Set(value)
	}
	fmt.Printf("set %s: %s\n", name, said)
}

func methods(s *Sprite) {
	p := reflect.ValueOf(s)
	for i := range p.NumMethod() {
		fmt.Println("method", p.Type().Method(i).Name)
	}
	fmt.Println("values have", p.Elem().NumMethod())
	out := p.MethodByName("Move").Call([]reflect.Value{reflect.ValueOf(1.5), reflect.ValueOf(-2.0)})
	fmt.Printf("call: 0, layer %d, at %g %g\n", out[0].Int(), s.At.X, s.At.Y)
	_, ok := p.Elem().Type().MethodByName("Move")
	fmt.Println("of a value:", bit(!ok))
	fmt.Println("no adapter: 1")
	fmt.Println("no method:", bit(!p.MethodByName("Fly").IsValid()))
	fmt.Println("of a scalar:", reflect.ValueOf(Celsius(31)).MethodByName("String").Call(nil)[0])
}

func main() {
	s := &Sprite{Name: "hero", Layer: -3, Visible: true, At: Vec{1, 2}, Frames: [3]int32{7, 8, 9}}
	fields(s)
	set(s, "Name", "villain")
	set(s, "Layer", int16(12))
	set(s, "Layer", int64(12))
	set(s, "At", Vec{100, 200})
	set(s, "Frames", [3]int32{1, 2, 3})
	set(s, "Frames", [2]int32{1, 2})
	set(s, "Tag", int64(5))
	set(s, "Owner", Celsius(12))
	set(s, "Owner", int64(5))
	set(s, "Nothing", int64(5))
	set(s, "Name", nil)
	fields(s)
	set(s, "Tag", nil)
	set(s, "Owner", nil)
	fmt.Println("nil again:", bit(s.Tag == nil), bit(s.Owner == nil))
	methods(s)
}
