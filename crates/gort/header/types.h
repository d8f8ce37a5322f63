#if GO_GNU_

/* Itabs that this source file met last, so that an assertion that holds is decided where it stands. */
static const go_itab *go_recent_itabs_[64] __attribute__((unused));

static inline const go_itab *go_recent_itab_(const go_type *iface, const go_type *type)
{
    size_t at = (((uintptr_t)type >> 7) ^ ((uintptr_t)iface >> 5)) % 64;
    const go_itab *tab = __atomic_load_n(&go_recent_itabs_[at], __ATOMIC_ACQUIRE);
    return tab != 0 && tab->type == type && tab->iface == iface ? tab : (const go_itab *)0;
}

__attribute__((noinline, cold, unused)) static void go_remember_itab_(const go_type *iface, const go_type *type)
{
    size_t at = (((uintptr_t)type >> 7) ^ ((uintptr_t)iface >> 5)) % 64;
    const go_itab *tab = go_itab_find(iface, type);
    if (tab != 0)
        __atomic_store_n(&go_recent_itabs_[at], tab, __ATOMIC_RELEASE);
}

static inline go_any go_assert_inline_(go_any v, const go_type *t)
{
    if (__builtin_expect(v.type != t && go_recent_itab_(t, v.type) == 0, 0)) {
        v = go_assert(v, t);
        go_remember_itab_(t, v.type);
    }
    return v;
}

/* Whether a type's descriptor says itself what it is: neither an interface, nor named, nor written down. */
static inline bool go_type_is_plain_(const go_type *t)
{
    return t->kind != GO_KIND_INTERFACE && (t->flags & 3) == 0;
}

static inline bool go_assert_ok_inline_(go_any v, const go_type *t, go_any *out)
{
    bool ok = v.type != 0 && (v.type == t || go_recent_itab_(t, v.type) != 0);
    if (!ok && v.type != 0 && !(go_type_is_plain_(t) && (v.type->flags & 2) == 0)) {
        ok = go_assert_ok(v, t, (go_any *)0);
        if (ok)
            go_remember_itab_(t, v.type);
    }
    if (out != 0) {
        go_any nil = { 0, { 0 } };
        *out = ok ? v : nil;
    }
    return ok;
}

/* Whether v.p of a value of the type is what an interface's data is; false also of named types, which the library looks into. */
static inline bool go_points_(const go_type *t)
{
    return t->kind >= GO_KIND_POINTER && t->kind <= GO_KIND_SLICE;
}

static inline go_iface go_iface_make_inline_(const go_type *iface, go_any v)
{
    const go_itab *tab = go_recent_itab_(iface, v.type);
    go_iface made;
    if (__builtin_expect(tab == 0 || v.v.p == 0 || !go_points_(v.type), 0)) {
        made = go_iface_make(iface, v);
        go_remember_itab_(iface, v.type);
        return made;
    }
    made.tab = tab;
    made.data = v.v.p;
    return made;
}

static inline bool go_iface_ok_inline_(const go_type *iface, go_any v, go_iface *out)
{
    const go_itab *tab;
    if (out == 0)
        return go_assert_ok_inline_(v, iface, (go_any *)0);
    tab = go_recent_itab_(iface, v.type);
    if (__builtin_expect(tab == 0 || v.v.p == 0 || !go_points_(v.type), 0)) {
        bool ok = go_iface_ok(iface, v, out);
        if (ok)
            go_remember_itab_(iface, v.type);
        return ok;
    }
    out->tab = tab;
    out->data = v.v.p;
    return true;
}

#define go_assert(v, t) go_assert_inline_((v), (t))
#define go_assert_ok(v, t, out) go_assert_ok_inline_((v), (t), (out))
#define go_iface_ok(iface, v, out) go_iface_ok_inline_((iface), (v), (out))
#define go_iface_make(iface, v) go_iface_make_inline_((iface), (v))

#endif
