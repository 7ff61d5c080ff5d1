package storetest

import (
	"os/exec"
	"syscall"
)

// endWithParent has the kernel end the process when the test process ends,
// however that ends.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
