#!/usr/bin/python3
"""Run jobs/hesse.sbatch under a Slurm of several virtual nodes, and take nodes away.

    tests/slurm_nodes.py HESSE SOURCE

The nodes are those of tools/virtual_nodes. slurmctld runs on node1, and a slurmd with one
core on each of the others, so that a job of two ranks has two nodes. A job must give the numbers
of a run without Slurm, with mpirun and with srun. If it loses a node, it must be requeued, must
continue on other nodes from the part files of its first run, and must give the same numbers. A
job that loses a node again and again must end. Skipped where Slurm or the nodes are missing.
Needs python3-h5py.
"""
import argparse
import glob
import importlib.machinery
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import nodes  # ends with status 77 without h5py

LIMIT = 120  # seconds of a step, far above its need
COMPUTING = range(2, 10)  # the numbers of the nodes with a slurmd
CONFIGURATION = """
ClusterName=test
SlurmctldHost=node1({network}1)
SlurmUser=root
AuthType=auth/munge
# A requeued job waits until the credentials of its first run are no longer valid.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n/spool
TmpFS={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
# A node that does not answer for so many seconds is down.
SlurmdTimeout=6
MessageTimeout=5
KillWait=2
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
# A run saves the panels of a matrix if it expects them to take longer than this. The value is
# small, so that every run decides alike, whatever speed it measures.
STRETCH = "output.stretch=0.02"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "sinfo")


def load_virtual_nodes(source):
    path = os.path.join(source, "tools/virtual_nodes")
    loader = importlib.machinery.SourceFileLoader("virtual_nodes", path)
    spec = importlib.util.spec_from_loader("virtual_nodes", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def wait_until(true, seconds=LIMIT):
    """Whether it became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.1)
    return False


class Slurm:
    """A Slurm on a cluster of virtual nodes. Its daemons end with the nodes."""

    def __init__(self, virtual, cluster, folder, hesse, source):
        self.virtual, self.cluster, self.folder, self.hesse = virtual, cluster, folder, hesse
        self.script = os.path.join(source, "jobs/hesse.sbatch")
        self.log = open(os.path.join(folder, "daemons.log"), "w")
        computing = [f"node{i}" for i in COMPUTING]
        with open(os.path.join(folder, "slurm.conf"), "w") as f:
            f.write(CONFIGURATION.format(folder=folder, network=virtual.NETWORK, nodes="\n".join(
                f"NodeName={x} NodeAddr={virtual.NETWORK}{x[4:]} CPUs=1 RealMemory=1000"
                for x in computing)))
        with open(os.path.join(folder, "key"), "wb") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(os.urandom(64))
        os.mkdir(os.path.join(folder, "state"))
        os.environ["SLURM_CONF"] = os.path.join(folder, "slurm.conf")
        socket = os.path.join(folder, "munge.socket")
        # Every node sees this socket, and root is the same user on all of them.
        self.start("node1", "munged", f"--key-file={folder}/key", f"--socket={socket}", "--force",
                   f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log",
                   f"--seed-file={folder}/munged.seed", "--foreground")
        wait_until(lambda: os.path.exists(socket))
        self.start("node1", "slurmctld", "-D", "-c")
        for name in computing:
            os.makedirs(os.path.join(folder, name, "spool"))
            self.start(name, "slurmd", "-D")
        if not wait_until(lambda: self.call("sinfo", "-h", "-t", "idle", "-o", "%D").strip() ==
                          str(len(computing)), 60):
            with open(os.path.join(folder, "slurmctld.log")) as f:
                raise virtual.Missing("this Slurm does not start: " + "".join(f.readlines()[-5:]))

    def start(self, name, *words):
        subprocess.Popen(self.cluster.nodes[name].enter(*words), stdin=subprocess.DEVNULL,
                         stdout=self.log, stderr=self.log,
                         preexec_fn=self.virtual.end_with_parent)

    def call(self, *words, **extra):
        """The output of a command of Slurm."""
        return subprocess.run(self.cluster.nodes["node1"].enter(*words), text=True, timeout=LIMIT,
                              stdin=subprocess.DEVNULL, capture_output=True, **extra).stdout

    def submit(self, name, launch, program):
        """The number of a job of two ranks. Its log is NAME.log."""
        environment = dict(os.environ, LAUNCH=launch, HESSE=program)
        return self.call("sbatch", "--parsable", "--ntasks=2", "--mem-per-cpu=0", "--time=10",
                         f"--output={name}.log", self.script, "job.yaml", "--output", f"{name}.h5",
                         "--set", STRETCH, env=environment).strip()

    def job(self, number):
        """What Slurm knows about a job."""
        text = self.call("scontrol", "show", "job", "-o", number)
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def finish(self, number):
        """Wait for a job to end; what Slurm knows then."""
        wait_until(lambda: self.job(number).get("JobState") in ("COMPLETED", "FAILED", "TIMEOUT",
                                                                "CANCELLED"))
        return self.job(number)

    def names(self, job):
        """The nodes of a job, that of the script first."""
        return self.call("scontrol", "show", "hostnames", job["NodeList"]).split()


class Work(threading.Thread):
    """The sizes of all part files that ever stood beside a result, by their names."""

    def __init__(self, result):
        super().__init__(daemon=True)
        self.parts, self.sizes, self.changed = result + ".parts", {}, []
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.01):
            for path in glob.glob(os.path.join(self.parts, "*.part")):
                try:
                    size = os.path.getsize(path)
                except FileNotFoundError:  # the run has ended
                    continue
                if self.sizes.setdefault(os.path.basename(path), size) != size:
                    self.changed.append(path)

    def end(self):
        self.ended.set()
        self.join()
        return self


def of_run(work, number):
    """The bytes that one run of a job has saved; its number begins the names of its files."""
    return sum(size for name, size in work.sizes.items() if int(name.split("-")[0]) == number)


class Case:
    """A job that loses a node in its first run: `first`, which has the script, or `second`."""

    def __init__(self, slurm, name, launch, lost=None):
        self.slurm, self.name, self.lost = slurm, name, lost
        self.result = os.path.join(slurm.folder, name + ".h5")
        self.work = Work(self.result)
        self.number = slurm.submit(name, launch, slurm.hesse)
        if lost:  # several jobs at once, each as soon as it has saved something
            self.gone = None
            threading.Thread(target=self.lose, daemon=True).start()

    def lose(self):
        wait_until(lambda: self.slurm.job(self.number).get("JobState") == "RUNNING")
        self.had = self.slurm.names(self.slurm.job(self.number))
        if wait_until(lambda: glob.glob(self.work.parts + "/*.part")):
            self.gone = self.had[self.lost == "second"]
            self.slurm.cluster.lose(self.gone, "power")

    def wrong(self, truth, whole):
        """What is wrong; None if nothing is. `whole`: the bytes that an undisturbed run saves."""
        job = self.slurm.finish(self.number)
        self.work.end()
        with open(os.path.join(self.slurm.folder, self.name + ".log")) as f:
            log = f.read()
        if job.get("JobState") != "COMPLETED":
            return f"state {job.get('JobState')}, {job.get('Reason')}: {log}"
        found, earlier = nodes.spectra(self.slurm.folder, self.result)
        different = nodes.differs(truth, found)
        if different:
            return different
        restarts = int(self.lost is not None)
        if int(job["Restarts"]) != restarts or earlier != restarts:
            return f"{job['Restarts']} restarts and {earlier} earlier runs, expected {restarts}"
        has = self.slurm.names(job)
        if len(has) != 2:
            return f"the nodes {has}, expected two"
        if not self.lost:
            return None
        first, second = of_run(self.work, 1), of_run(self.work, 2)
        print(f"        | {self.name}: {' '.join(self.had)}, then {' '.join(has)}; saved by the "
              f"first run {first}, by the second {second} of {whole} bytes")
        if self.gone in has:
            return f"the lost node {self.gone} is used again"
        if self.work.changed:
            return f"the second run has changed {self.work.changed}"
        # A panel that is computed again is saved again. A few headers are more.
        if not first or first + second > 1.01 * whole:
            return f"{first} and {second} bytes saved, expected at most {whole} together"
        return None


def broken(slurm, number, requeues):
    """What is wrong with a job whose second node is broken."""
    job = slurm.finish(number)
    with open(os.path.join(slurm.folder, "broken.log")) as f:
        log = f.read()
    if job.get("JobState") != "FAILED" or job.get("ExitCode") != "205:0":
        return f"state {job.get('JobState')}, status {job.get('ExitCode')}: {log}"
    if int(job["Restarts"]) != requeues or log.count(nodes.LOST) != requeues + 1:
        return f"{job['Restarts']} restarts, expected {requeues}: {log}"
    line = f"hesse.sbatch: a node was lost again after {requeues} restarts"
    return None if log.count(line) == 1 else f"no line '{line}': {log}"


# The second rank ends the daemon of Open MPI that has started it.
BREAKS = """#!/bin/sh
[ "$OMPI_COMM_WORLD_RANK" = 1 ] && kill -9 $PPID
sleep 60
"""


def test(slurm):
    cases = {"mpirun": Case(slurm, "mpirun", "mpirun"),
             "srun": Case(slurm, "srun", "srun --mpi=pmix")}
    subprocess.run([slurm.hesse, "run", "job.yaml", "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)
    truth, _ = nodes.spectra(slurm.folder)
    wrong = {name: case.wrong(truth, 0) for name, case in cases.items()}
    whole = max(of_run(case.work, 1) for case in cases.values())

    with open("breaks", "w") as f:
        f.write(BREAKS)
    os.chmod("breaks", 0o755)
    number = slurm.submit("broken", "mpirun", os.path.join(slurm.folder, "breaks"))
    cases = [Case(slurm, "mpirun-second", "mpirun", "second"),
             Case(slurm, "mpirun-first", "mpirun", "first"),
             Case(slurm, "srun-second", "srun --mpi=pmix", "second")]
    for case in cases:
        wrong[case.name + " node lost"] = case.wrong(truth, whole)
    wrong["a node that is broken"] = broken(slurm, number, 3)
    for name, what in wrong.items():
        print(f"FAILED  {name}: {what}" if what else f"ok      {name}")
    return any(wrong.values())


def main():
    os.environ["PATH"] += ":/usr/sbin"
    hesse, source = (os.path.abspath(x) for x in sys.argv[1:3])
    virtual = load_virtual_nodes(source)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    missing = [x for x in PROGRAMS if not shutil.which(x)]
    if missing or os.geteuid():
        print("skipped:", f"no {missing[0]}" if missing else "only root may make namespaces")
        return 77
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    cluster = None
    with tempfile.TemporaryDirectory(prefix="hesse-slurm-", ignore_cleanup_errors=True) as folder:
        os.chdir(folder)  # programs on a node start in the folder of this script
        os.environ["TMPDIR"] = folder  # Open MPI on a lost node leaves files there
        nodes.prepare(folder)
        try:
            cluster = virtual.Cluster(argparse.Namespace(nodes=COMPUTING[-1], rate=None,
                                                         latency=None))
            return test(Slurm(virtual, cluster, folder, hesse, source))
        except virtual.Missing as e:
            print("skipped:", e)
            return 77
        finally:
            if cluster:
                cluster.end()
            os.chdir("/")


if __name__ == "__main__":
    sys.exit(main())
