#if GO_GNU_

/* Itabs that this source file met last, so that an assertion that holds is decided where it stands. */
static const go_itab *go_recent_itabs_[64] __attribute__((unused));

static inline const go_itab **go_recent_itab_at_(const go_type *iface, const go_type *type)
{
    return &go_recent_itabs_[((uintptr_t)type + (uintptr_t)iface * 8) / sizeof(go_type) % 64];
}

static inline const go_itab *go_recent_itab_(const go_type *iface, const go_type *type)
{
    const go_itab *tab = __atomic_load_n(go_recent_itab_at_(iface, type), __ATOMIC_ACQUIRE);
    return tab != 0 && tab->type == type && tab->iface == iface ? tab : (const go_itab *)0;
}

__attribute__((noinline, cold, unused)) static void go_remember_itab_(const go_type *iface, const go_type *type)
{
    const go_itab *tab = go_itab_find(iface, type);
    if (tab != 0)
        __atomic_store_n(go_recent_itab_at_(iface, type), tab, __ATOMIC_RELEASE);
}

__attribute__((noinline, unused)) static bool go_type_holds_slow_(const go_type *t, go_any v)
{
    bool ok = go_assert_ok(v, t, (go_any *)0);
    if (ok)
        go_remember_itab_(t, v.type);
    return ok;
}

/* Whether t has v's type or is an interface that it implements. */
static inline bool go_type_holds_(const go_type *t, go_any v)
{
    if (v.type == t)
        return t != 0;
    if (__builtin_expect(go_recent_itab_(t, v.type) != 0, 1))
        return true;
    if (v.type == 0)
        return false;
    /* Neither an interface nor named, nor a composite that was written down: then the descriptors tell all. */
    if (t->kind != GO_KIND_INTERFACE && ((t->flags & 3) | (v.type->flags & 2)) == 0)
        return false;
    return go_type_holds_slow_(t, v);
}

static inline go_any go_assert_inline_(go_any v, const go_type *t)
{
    return __builtin_expect(go_type_holds_(t, v), 1) ? v : go_assert(v, t);
}

static inline bool go_assert_ok_inline_(go_any v, const go_type *t, go_any *out)
{
    bool ok = go_type_holds_(t, v);
    if (out != 0) {
        go_any nil = { 0, { 0 } };
        *out = ok ? v : nil;
    }
    return ok;
}

/* The itab for an interface whose data is v.p as it is; NULL when the library has to look. */
static inline const go_itab *go_iface_tab_(const go_type *iface, go_any v)
{
    const go_itab *tab = go_recent_itab_(iface, v.type);
    return tab != 0 && v.v.p != 0 && v.type->kind >= GO_KIND_POINTER && v.type->kind <= GO_KIND_SLICE ? tab
                                                                                                    : (const go_itab *)0;
}

__attribute__((noinline, unused)) static go_iface go_iface_make_slow_(const go_type *iface, go_any v)
{
    go_iface made = go_iface_make(iface, v);
    go_remember_itab_(iface, v.type);
    return made;
}

static inline go_iface go_iface_make_inline_(const go_type *iface, go_any v)
{
    go_iface made;
    made.tab = go_iface_tab_(iface, v);
    made.data = v.v.p;
    return __builtin_expect(made.tab != 0, 1) ? made : go_iface_make_slow_(iface, v);
}

__attribute__((noinline, unused)) static bool go_iface_ok_slow_(const go_type *iface, go_any v, go_iface *out)
{
    bool ok = go_iface_ok(iface, v, out);
    if (ok)
        go_remember_itab_(iface, v.type);
    return ok;
}

static inline bool go_iface_ok_inline_(const go_type *iface, go_any v, go_iface *out)
{
    const go_itab *tab;
    if (out == 0)
        return go_type_holds_(iface, v);
    tab = go_iface_tab_(iface, v);
    if (__builtin_expect(tab == 0, 0))
        return go_iface_ok_slow_(iface, v, out);
    out->tab = tab;
    out->data = v.v.p;
    return true;
}

#define go_assert(v, t) go_assert_inline_((v), (t))
#define go_assert_ok(v, t, out) go_assert_ok_inline_((v), (t), (out))
#define go_iface_ok(iface, v, out) go_iface_ok_inline_((iface), (v), (out))
#define go_iface_make(iface, v) go_iface_make_inline_((iface), (v))

#endif
