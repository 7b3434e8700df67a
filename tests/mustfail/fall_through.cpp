// One case does not run into the next by accident.
// library: dns-core
// expect: unannotated fall-through
int use(int kind, int sum) {
  switch (kind) {
    case 0: sum += 1;
#ifndef MUST_FAIL
      break;
#endif
    case 1: sum += 2; break;
    default: break;
  }
  return sum;
}
