"""Run a command, its output thrown away; print the bytes of its largest process's resident size.

A script of its own, and a small one: on Linux a process begins with the size of the one that started
it, so that a large one would measure itself (`exec_mmap` in fs/exec.c).
"""

import resource
import subprocess
import sys

subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak if sys.platform == "darwin" else peak * 1024)
