// There is no run-time type information in an image.
// library: dns-core
// expect: dynamic_cast requires -frtti
struct Base {
  virtual int kind() const { return 0; }
};
struct Derived final : Base {
  int kind() const override { return 1; }
};

bool is_derived(Base* base) {
#ifdef MUST_FAIL
  return dynamic_cast<Derived*>(base) != nullptr;
#else
  return base->kind() == 1;
#endif
}
