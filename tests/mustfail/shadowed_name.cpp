// A name means one thing.
// library: dns-core
// expect: declaration shadows
int use(int length) {
  int sum = length;
#ifdef MUST_FAIL
  for (int length = 0; length < 3; ++length) sum += length;
#else
  for (int i = 0; i < 3; ++i) sum += i;
#endif
  return sum;
}
