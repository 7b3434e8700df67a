"""How every checker under tests/ reports: a line per failure, and at the end the one line `N passed, N failed` that
tests/suites.py adds up."""
import sys


class Report:
    def __init__(self, verbose=False):
        self.passed = 0
        self.failed = 0
        self.verbose = verbose or "-v" in sys.argv

    def check(self, good, name, detail=""):
        if good:
            self.passed += 1
            if self.verbose:
                print(f"ok   {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL {name}" + (f": {detail}" if detail else ""), flush=True)
        return bool(good)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
