"""A subject of forkbench: CPython, and its standard library's own ways to start a child.

It speaks the protocol of docs/PROTOCOL.md, and needs Python 3.8 or later and nothing else. A parent is as bare as
Python lets it be: modules are imported when an order needs them, and never while an iteration is timed. Cyclic garbage
is collected and frozen before the iterations of an order, and its collector is off meanwhile.
"""

import array
import fcntl
import gc
import mmap
import os
import signal
import struct
import sys
import time

now = time.monotonic_ns

PAGE, HUGE = 4096, 2 << 20
LONGEST_LINE = 65536
MOST_ITERATIONS = 1 << 22
# Of linux/mman.h; the module knows but some of them.
MAP_HUGETLB_2M = 0x40000 | 21 << 26
WIPEONFORK, COLD, POPULATE_READ, POPULATE_WRITE, COLLAPSE = 18, 20, 22, 23, 25


class Skip(Exception):
    """This host, or this interpreter, can't do what was ordered."""


class Fail(Exception):
    """Something went wrong."""


# --- The wire ---------------------------------------------------------------------------------------------------------


class Wire:
    """Lines in, lines out, on descriptors that no child can touch."""

    def __init__(self):
        for fd in os.listdir("/proc/self/fd"):
            # What else was inherited is not ours: each costs a fork a little.
            if int(fd) > 2:
                try:
                    os.close(int(fd))
                except OSError:
                    pass
        self.input = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 10)
        self.output = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 10)
        null = os.open("/dev/null", os.O_RDWR)
        for standard in range(3):
            os.dup2(null, standard)
        if null > 2:
            os.close(null)
        self.pending = b""

    def lines(self):
        while True:
            line, end, rest = self.pending.partition(b"\n")
            if end:
                self.pending = rest
                yield line.decode("utf-8", "replace")
                continue
            if len(self.pending) > LONGEST_LINE:
                raise SystemExit(1)
            piece = os.read(self.input, 4096)
            if not piece:
                # A last line without an end is a line.
                if self.pending:
                    yield self.pending.decode("utf-8", "replace")
                return
            self.pending += piece

    def send(self, *lines):
        text = "".join(line.replace("\n", " ") + "\n" for line in lines).encode()
        while text:
            text = text[os.write(self.output, text) :]


def decoded(value):
    """A value of the protocol, with what stands for blanks put back."""
    for code, character in (("%20", " "), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        value = value.replace(code, character)
    return value


# --- The footprint ----------------------------------------------------------------------------------------------------


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def maps():
    """Start and end of every VMA of this process."""
    for line in (read("/proc/self/maps") or "").splitlines():
        if not line.endswith("[vsyscall]"):
            start, _, end = line.split(None, 1)[0].partition("-")
            yield int(start, 16), int(end, 16)


def smaps(start):
    """What smaps says of the VMA that begins there: bytes by name, and its flags; None where it can't be read."""
    text = read("/proc/self/smaps")
    if text is None:
        return None
    entry, inside = {}, False
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if not line[:1].isupper():
            if inside:
                break
            inside = int(line.partition("-")[0], 16) == start
        elif inside and name == "VmFlags":
            entry[name] = rest.strip()
        elif inside and rest.endswith(" kB"):
            entry[name] = int(rest.split()[0]) * 1024
    return entry


class Ballast:
    """The memory of a footprint: one mapping, one VMA, filled as the native subject fills it."""

    def __init__(self, asked):
        self.asked, self.size = asked, asked["bytes"]
        self.step = PAGE if asked["page"] == "4k" else HUGE
        self.private = asked["mapping"] in ("private", "dontfork", "wipeonfork")
        begin = now()
        self.memory, self.start, self.blind = None, None, False
        self.offered()
        self.map()
        # Keeps its VMA apart from its neighbours', by a flag that fork does not look at.
        self.fill()
        if asked["mapping"] == "dontfork":
            self.memory.madvise(mmap.MADV_DONTFORK)
        elif asked["mapping"] == "wipeonfork":
            self.memory.madvise(WIPEONFORK)
        self.took = now() - begin
        self.ones = None
        if asked["state"] == "rewritten":
            # What pages are rewritten from, out of children's sight.
            self.ones = mmap.mmap(-1, self.size // self.step, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            self.ones.madvise(mmap.MADV_DONTFORK)
            self.ones[:] = bytes([1]) * (self.size // self.step)

    def offered(self):
        """Raises Skip where the host has no such huge pages."""
        page, shared = self.asked["page"], self.asked["mapping"] == "shared"
        if page == "hugetlb":
            folder = "/sys/kernel/mm/hugepages/hugepages-2048kB/"
            free, promised = (int(read(folder + name) or 0) for name in ("free_hugepages", "resv_hugepages"))
            if self.size // HUGE > free - promised:
                needed = self.size // HUGE
                raise Skip(f"needs {needed} huge pages, {free - promised} are free: sysctl vm.nr_hugepages={needed}")
        elif page == "thp":
            name = "shmem_enabled" if shared else "enabled"
            path = f"/sys/kernel/mm/transparent_hugepage/{name}"
            setting = (read(path) or "[not there]").partition("[")[2].partition("]")[0]
            if setting in ("never", "deny", "not there"):
                remedy = "advise" if shared else "madvise"
                raise Skip(f"needs transparent huge pages, {path} says {setting}: echo {remedy} > {path}")

    def in_one_piece(self):
        asked = self.asked
        ordered = asked["order"] == "sequential" or asked["window"]
        return asked["page"] == "4k" and asked["touch"] == "written" and ordered and self.private

    def map(self):
        flags, fd, size = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, self.size
        if self.asked["mapping"] == "shared":
            flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS
        elif self.asked["mapping"] == "file":
            flags, fd = mmap.MAP_SHARED, nameless_file(size)
        if self.asked["page"] == "hugetlb":
            flags |= MAP_HUGETLB_2M
        if self.in_one_piece():
            size = -(-size // HUGE) * HUGE
        try:
            beyond = 0
            for _ in range(8):
                before = set(maps())
                self.memory = mmap.mmap(fd, size + beyond, flags=flags)
                self.memory.madvise(mmap.MADV_DONTDUMP)
                fresh = [one for one in maps() if one not in before and one[1] - one[0] == size + beyond]
                self.start = fresh[0][0] if len(fresh) == 1 else None
                if self.start is None or self.start % HUGE == 0 or fd >= 0:
                    break
                # The kernel maps below what it mapped last: as much more reaches down to where a huge page begins.
                beyond = (beyond + self.start) % HUGE
                self.memory.close()
            if beyond:
                self.memory.resize(size)
        except OSError as error:
            raise Skip(f"the kernel refused {self.size} bytes: {error.strerror}; ask for less with --max-footprint")
        finally:
            if fd >= 0:
                os.close(fd)

    def fill(self):
        asked, memory = self.asked, self.memory
        if asked["page"] != "hugetlb":
            self.advise(mmap.MADV_NOHUGEPAGE if asked["page"] == "4k" else mmap.MADV_HUGEPAGE)
        if asked["touch"] == "untouched":
            return
        if self.in_one_piece():
            self.fill_in_one_piece()
            if asked["order"] == "shuffled":
                self.shuffle_windows()
        elif asked["order"] == "shuffled":
            for page in self.pages():
                if asked["touch"] == "read":
                    memory[page * PAGE]
                else:
                    memory[page * PAGE] = 1
        elif asked["touch"] == "read":
            self.populate(POPULATE_READ)
        else:
            self.populate(POPULATE_WRITE)
        if asked["page"] == "thp" and asked["touch"] == "written":
            # Where the allocator had no huge page at hand.
            self.advise(COLLAPSE)

    def advise(self, advice, *part):
        try:
            self.memory.madvise(advice, *part)
            return True
        except OSError:
            return False

    def populate(self, advice):
        if self.advise(advice):
            return
        # Kernels before Linux 5.14.
        for offset in range(0, len(self.memory), self.step):
            if advice == POPULATE_READ:
                self.memory[offset]
            else:
                self.memory[offset] = 1

    def huge(self):
        entry = smaps(self.start) if self.start is not None else None
        return (entry or {}).get("AnonHugePages", 0)

    def fill_in_one_piece(self):
        """Filled as huge pages, which are then split for good, so that neighbours lie side by side in memory."""
        if not self.split_huge_pages():
            self.advise(mmap.MADV_DONTNEED)
            self.advise(mmap.MADV_NOHUGEPAGE)
            self.memory.resize(self.size)
            # The native subject holds the fragments of free memory meanwhile. This one does not.
            self.blind = True
            self.populate(POPULATE_WRITE)
        elif len(self.memory) != self.size:
            self.memory.resize(self.size)

    def split_huge_pages(self):
        memory = self.memory
        if self.start is None or self.start % HUGE or not self.advise(mmap.MADV_HUGEPAGE):
            return False
        memory[0] = 1
        if not self.huge():
            return False
        self.populate(POPULATE_WRITE)
        # A page of nothing but zeros would become the zero page when its huge page is split.
        memory[::PAGE] = bytes([1]) * (len(memory) // PAGE)
        if self.huge() < len(memory) // 10 * 9:
            self.advise(COLLAPSE)
            if self.huge() < len(memory) // 10 * 9:
                return False
        # Advice on a part of a huge page splits it; the second pass is for those that were busy.
        for offset in [*range(0, len(memory), HUGE)] * 2:
            memory.madvise(COLD, offset, PAGE)
        return self.advise(mmap.MADV_NOHUGEPAGE) and self.huge() == 0

    def pages(self):
        """Its pages by number, in the order of a shuffle."""
        return shuffled(self.size // PAGE, self.asked["window"])

    def shuffle_windows(self):
        window, freed = self.asked["window"] * PAGE, 0
        for page in self.pages():
            if page * PAGE >= freed:
                self.memory.madvise(mmap.MADV_DONTNEED, freed, min(window, self.size - freed))
                freed += window
            self.memory[page * PAGE] = 1

    def rewrite(self):
        if self.ones is not None:
            self.memory[:: self.step] = self.ones

    def release(self):
        if self.asked["order"] == "shuffled" and self.asked["touch"] == "written" and self.private:
            # In the order in which they were handed out, so that whoever comes next gets them in one piece.
            for page in self.pages():
                self.memory.madvise(mmap.MADV_DONTNEED, page * PAGE, PAGE)
        self.memory.close()

    def receipt(self, unverified):
        entry = smaps(self.start) if self.start is not None else None
        answer = {"ballast": self.size, "fill": self.took}
        if entry:
            named = {"rss": ["Rss"], "thp": ["AnonHugePages", "ShmemPmdMapped", "FilePmdMapped"]}
            named["hugetlb"] = ["Shared_Hugetlb", "Private_Hugetlb"]
            answer["ballast"] = entry["Size"]
            for key, names in named.items():
                answer[key] = sum(entry.get(name, 0) for name in names)
            if "VmFlags" in entry:
                answer["vm_flags"] = entry["VmFlags"].replace(" ", ",")
        unverified += [name for name, key in (("rss", "rss"), ("flags", "vm_flags")) if key not in answer]
        anonymous = self.private and self.asked["page"] != "hugetlb"
        zeros = self.asked["touch"] == "read" and anonymous
        backed = self.asked["touch"] != "untouched" and not zeros
        layout = self.layout()
        answer.update(layout if backed else {"present": layout["present"]} if "present" in layout else {})
        if "present" not in layout:
            unverified.append("present")
        if backed and self.asked["page"] == "4k" and self.size > PAGE and "adjacency" not in layout:
            unverified.append("order")
        if self.in_one_piece():
            if self.blind:
                unverified.append("soak")
            else:
                answer["soaked"] = 0
        return answer

    def layout(self):
        """How near to each other in physical memory its pages lie, from pagemap."""
        if self.start is None:
            return {}
        present, pairs, before = 0, 0, 0
        within = {1: 0, 8: 0, 64: 0, 512: 0}
        frame = (1 << 55) - 1
        try:
            pagemap = os.open("/proc/self/pagemap", os.O_RDONLY)
        except OSError:
            return {}
        try:
            for offset in range(0, self.size // PAGE * 8, 65536):
                wanted = min(65536, self.size // PAGE * 8 - offset)
                piece = array.array("Q", os.pread(pagemap, wanted, self.start // PAGE * 8 + offset))
                for entry in piece:
                    if entry >> 63:
                        present += PAGE
                        if before >> 63 and before & frame and entry & frame:
                            pairs += 1
                            distance = (entry & frame) - (before & frame)
                            within[1] += distance == 1
                            distance = abs(distance)
                            within[8] += distance <= 8
                            within[64] += distance <= 64
                            within[512] += distance <= 512
                    before = entry
        except OSError:
            return {}
        finally:
            os.close(pagemap)
        answer = {"present": present}
        if pairs:
            names = {"adjacency": 1, "within_8": 8, "nearness": 64, "within_512": 512}
            answer.update((name, within[limit] / pairs) for name, limit in names.items())
        return answer


def nameless_file(size):
    folder = os.environ.get("TMPDIR") or "/var/tmp"
    try:
        fd = os.open(folder, os.O_RDWR | os.O_TMPFILE, 0o600)
        os.ftruncate(fd, size)
    except OSError as error:
        raise Fail(f"a file of {size} bytes in {folder}: {error.strerror}")
    room = os.fstatvfs(fd)
    if room.f_bavail * room.f_frsize < size:
        raise Skip(f"needs {size} bytes in {folder}, {room.f_bavail * room.f_frsize} are free: set TMPDIR")
    return fd


def shuffled(pages, window):
    """The numbers 0 to pages - 1 in an order that looks random, within windows: that of the native subject.

    A Feistel network is a permutation of the numbers of 2k bits; numbers beyond the range go through again.
    """
    window = window or pages
    for first in range(0, pages, window):
        count = min(window, pages - first)
        half = max(1, ((count - 1).bit_length() + 1) // 2)
        mask, wide = (1 << half) - 1, (1 << 64) - 1
        keys = [(first + (number << 32)) & wide for number in range(1, 5)]
        for page in range(count):
            while True:
                left, right = page >> half, page & mask
                for key in keys:
                    mixed = ((right ^ key) * 0x9E3779B97F4A7C15) & wide
                    mixed ^= mixed >> 29
                    left, right = right, left ^ (mixed >> 32 & mask)
                page = left << half | right
                if page < count:
                    break
            yield first + page


class Mappings:
    """VMAs of two pages, one of them written. Advice that fork does not look at keeps neighbours from merging."""

    def __init__(self, count, dontfork):
        limit = int(read("/proc/sys/vm/max_map_count") or 65530)
        needed = len(list(maps())) + count + 16
        if needed > limit:
            raise Skip(f"needs {needed} VMAs, the kernel permits {limit}: sysctl vm.max_map_count={needed}")
        self.count, before = count, set(maps())
        self.memory = mmap.mmap(-1, 2 * PAGE * count, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.memory.madvise(mmap.MADV_NOHUGEPAGE)
        if dontfork:
            self.memory.madvise(mmap.MADV_DONTFORK)
        for pair in range(count):
            self.memory.madvise([mmap.MADV_SEQUENTIAL, mmap.MADV_RANDOM][pair % 2], pair * 2 * PAGE, 2 * PAGE)
        self.added = len([one for one in maps() if one not in before and one[1] - one[0] == 2 * PAGE])
        self.rewrite()

    def rewrite(self):
        for pair in range(self.count):
            self.memory[pair * 2 * PAGE] = 1

    def release(self):
        self.memory.close()


class Threads:
    """Threads that sleep."""

    def __init__(self, count):
        import threading

        self.leave = threading.Event()
        self.threads = [threading.Thread(target=self.leave.wait, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def release(self):
        self.leave.set()
        for thread in self.threads:
            thread.join()


class Descriptors:
    """Duplicates of /dev/null, closed on exec."""

    def __init__(self, count):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = descriptors() + count + 16
        if needed > soft:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(needed, hard)))
            except (OSError, ValueError):
                raise Skip(f"needs {needed} open files, the limit is {hard}: ulimit -n {needed}")
        self.numbers = array.array("i", (os.dup(0) for _ in range(count)))

    def release(self):
        for fd in self.numbers:
            os.close(fd)


def descriptors():
    # Listing them takes one.
    return len(os.listdir("/proc/self/fd")) - 1


class Footprint:
    """A footprint that is held."""

    def __init__(self, asked):
        if asked["busy"]:
            raise Skip("a Python thread that runs holds the interpreter's lock: busy=N is for other subjects")
        self.parts, self.rewritten = [], []
        self.ballast = self.mappings = None
        if asked["bytes"]:
            self.ballast = self.keep(Ballast(asked))
        if asked["vmas"]:
            self.mappings = self.keep(Mappings(asked["vmas"], asked["mapping"] == "dontfork"))
        self.before = descriptors()
        if asked["fds"]:
            self.keep(Descriptors(asked["fds"]))
        if asked["threads"]:
            self.keep(Threads(asked["threads"]))
        if asked["state"] == "rewritten":
            self.rewritten = [part for part in (self.ballast, self.mappings) if part]

    def keep(self, part):
        self.parts.append(part)
        return part

    def rewrite(self):
        for part in self.rewritten:
            part.rewrite()

    def release(self):
        while self.parts:
            self.parts.pop().release()

    def receipt(self):
        unverified = []
        answer = {"pid": os.getpid(), "ballast": 0, "rss": 0, "thp": 0, "hugetlb": 0, "present": 0, "busy": 0}
        loader = linked_dynamically()
        if loader is not None:
            answer["image"] = "dynamic" if loader else "static"
        status = dict(line.split(":", 1) for line in (read("/proc/self/status") or "").splitlines())
        for key, name in (("process_rss", "VmRSS"), ("page_tables", "VmPTE")):
            if name in status:
                answer[key] = int(status[name].split()[0]) * 1024
        answer["threads"] = int(status.get("Threads") or len(os.listdir("/proc/self/task")))
        answer["vmas"] = len(list(maps()))
        answer["vmas_added"] = self.mappings.added if self.mappings else 0
        answer["fds"] = descriptors()
        answer["fds_added"] = answer["fds"] - self.before
        if self.ballast:
            for key in ("rss", "thp", "hugetlb", "present"):
                del answer[key]
            answer.update(self.ballast.receipt(unverified))
        if unverified:
            answer["unverified"] = ",".join(unverified)
        return "receipt " + " ".join(f"{key}={value}" for key, value in answer.items())


def linked_dynamically():
    """Whether the kernel gave this program a loader; None where it does not say."""
    try:
        with open("/proc/self/auxv", "rb") as file:
            words = array.array("L", file.read())
    except OSError:
        return None
    return bool(dict(zip(words[::2], words[1::2])).get(7, 0))


# --- Mechanisms -------------------------------------------------------------------------------------------------------


class Mechanism:
    """A way to start a child. `iterate` returns call, start, exec and reap; 0 for those that an iteration lacks."""

    def __init__(self, image, stamped):
        self.image, self.stamped = image, stamped
        self.prepare()

    def prepare(self):
        """Imports and opens what iterations need."""

    def between(self):
        """Puts things back before an iteration, untimed."""

    def close(self):
        """Gives back what was prepared."""


class Forks(Mechanism):
    """Children of this program, which stamp the clock in memory that they share with it."""

    def prepare(self):
        self.shared = mmap.mmap(-1, PAGE)
        self.stamp = memoryview(self.shared).cast("Q")
        self.stamp[0] = 0


class OsFork(Forks):
    def iterate(self, number, stamped):
        status, stamp = 1 + number % 125, self.stamp
        if stamped:
            t0 = now()
            child = os.fork()
            if not child:
                stamp[0] = now()
                os._exit(status)
        else:
            t0 = now()
            child = os.fork()
            if not child:
                os._exit(status)
        call = now() - t0
        reaped, end = os.waitpid(child, 0)
        reap = now() - t0
        if reaped != child or end != status << 8:
            raise Fail(f"{child} should have exited with {status}; {reaped} ended with {end}")
        return call, stamp[0] - t0 if stamped else 0, 0, reap


class Executes(Mechanism):
    """Children execute forkbench's image, which writes its stamps into a pipe, or another program."""

    pass_stamp = staticmethod(lambda fd: {})

    def prepare(self):
        if self.image is None:
            raise Fail("no image to execute was named")
        self.foreign = self.image[0] == "foreign"
        if not os.access(self.image[1], os.X_OK):
            raise Fail(f"`{self.image[1]}` cannot be executed; name another with --exec")
        self.pipe = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def command(self, number, stamped):
        """What is executed in an iteration, and the status it must end with."""
        if self.foreign:
            return self.image[1:], 0
        status = 1 + number % 125
        words = [self.image[1], str(status)]
        return (words + [str(self.pipe[1])] if stamped else words), status

    def stamps(self, t0):
        """When the image's first instruction ran, after t0; 0 where the program does not say."""
        if self.foreign:
            return 0
        return struct.unpack("QQ", os.read(self.pipe[0], 16))[0] - t0

    def close(self):
        os.close(self.pipe[0])
        os.close(self.pipe[1])


class PosixSpawn(Executes):
    def iterate(self, number, stamped):
        words, status = self.command(number, stamped)
        # dup2 of a descriptor onto itself is how posix_spawn hands one down.
        actions = [(os.POSIX_SPAWN_DUP2, self.pipe[1], self.pipe[1])] if stamped else []
        t0 = now()
        child = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
        call = now() - t0
        reaped, end = os.waitpid(child, 0)
        reap = now() - t0
        if reaped != child or end != status << 8:
            raise Fail(f"{child} should have exited with {status}; {reaped} ended with {end}")
        return call, 0, self.stamps(t0) if stamped else 0, reap


class Subprocess(Executes):
    options = {}

    def prepare(self):
        super().prepare()
        from subprocess import Popen

        self.popen = Popen

    def iterate(self, number, stamped):
        words, status = self.command(number, stamped)
        popen, options = self.popen, self.options
        if stamped:
            options = dict(options, pass_fds=(self.pipe[1],))
        t0 = now()
        child = popen(words, **options)
        call = now() - t0
        end = child.wait()
        reap = now() - t0
        if end != status:
            raise Fail(f"{child.pid} should have exited with {status}; it ended with {end}")
        return call, 0, self.stamps(t0) if stamped else 0, reap


class SubprocessInheriting(Subprocess):
    options = {"close_fds": False}

    def iterate(self, number, stamped):
        if not stamped:
            return super().iterate(number, False)
        # pass_fds would close all others.
        words, status = self.command(number, True)
        os.set_inheritable(self.pipe[1], True)
        try:
            t0 = now()
            child = self.popen(words, close_fds=False)
            call = now() - t0
            end = child.wait()
            reap = now() - t0
        finally:
            os.set_inheritable(self.pipe[1], False)
        if end != status:
            raise Fail(f"{child.pid} should have exited with {status}; it ended with {end}")
        return call, 0, self.stamps(t0), reap


class SubprocessPreexec(Subprocess, Forks):
    options = {"preexec_fn": lambda: None}

    def prepare(self):
        Subprocess.prepare(self)
        Forks.prepare(self)

    def stamping(self):
        self.stamp[0] = now()

    def iterate(self, number, stamped):
        if not stamped:
            return super().iterate(number, False)
        words, status = self.command(number, True)
        stamping = self.stamping
        t0 = now()
        child = self.popen(words, preexec_fn=stamping, pass_fds=(self.pipe[1],))
        call = now() - t0
        end = child.wait()
        reap = now() - t0
        if end != status:
            raise Fail(f"{child.pid} should have exited with {status}; it ended with {end}")
        return call, self.stamp[0] - t0, self.stamps(t0), reap


class Clock:
    """Is read when it is unpickled: what a child is sent becomes the time at which it got it."""

    def __reduce__(self):
        return now, ()


class Multiprocessing(Mechanism):
    method = None

    def prepare(self):
        import multiprocessing

        # Children must not import this script: it is no part of what is measured.
        vars(sys.modules["__main__"]).pop("__file__", None)
        if self.method not in multiprocessing.get_all_start_methods():
            raise Skip(f"this Python has no start method {self.method}")
        self.context = multiprocessing.get_context(self.method)

    def iterate(self, number, stamped):
        status, process = 1 + number % 125, self.context.Process
        if not stamped:
            target, words = sys.exit, (status,)
        else:
            # The pipe carries the stamp; a child that sends it ends with 0.
            (receiver, sender), status = self.context.Pipe(duplex=False), 0
            target, words = sender.send, (Clock(),)
        t0 = now()
        child = process(target=target, args=words)
        child.start()
        call = now() - t0
        child.join()
        reap = now() - t0
        pid, end, start = child.pid, child.exitcode, 0
        child.close()
        if end != status:
            raise Fail(f"{pid} should have exited with {status}; it ended with {end}")
        if stamped:
            start = receiver.recv() - t0
            receiver.close()
            sender.close()
        return call, start, 0, reap


class MultiprocessingFork(Multiprocessing, Forks):
    method = "fork"

    def prepare(self):
        Multiprocessing.prepare(self)
        Forks.prepare(self)

    def stamping(self, status):
        self.stamp[0] = now()
        sys.exit(status)

    def iterate(self, number, stamped):
        status, process = 1 + number % 125, self.context.Process
        target = self.stamping if stamped else sys.exit
        t0 = now()
        child = process(target=target, args=(status,))
        child.start()
        call = now() - t0
        child.join()
        reap = now() - t0
        pid, end = child.pid, child.exitcode
        child.close()
        if end != status:
            raise Fail(f"{pid} should have exited with {status}; it ended with {end}")
        return call, self.stamp[0] - t0 if stamped else 0, 0, reap


class MultiprocessingSpawn(Multiprocessing):
    method = "spawn"


class Forkserver(Multiprocessing):
    method = "forkserver"

    def prepare(self):
        super().prepare()
        from multiprocessing import forkserver

        self.server = forkserver._forkserver
        self.server.ensure_running()


class ForkserverCold(Forkserver):
    def prepare(self):
        super().prepare()
        if not hasattr(self.server, "_stop"):
            raise Skip("this Python's forkserver can't be stopped, so it can't be started anew")

    def between(self):
        self.server._stop()


class Threading(Mechanism):
    def prepare(self):
        from threading import Thread, get_native_id

        self.thread, self.native_id = Thread, get_native_id
        self.ran = [0, 0, 0]

    def running(self, number, ran):
        ran[0] = now()
        ran[1], ran[2] = number, self.native_id()

    def iterate(self, number, stamped):
        thread, target, ran = self.thread, self.running, self.ran
        ran[1] = ran[2] = 0
        t0 = now()
        child = thread(target=target, args=(number + 1, ran))
        child.start()
        call = now() - t0
        child.join()
        reap = now() - t0
        if ran[1] != number + 1 or ran[2] in (0, os.getpid()) or child.is_alive():
            raise Fail(f"the thread of iteration {number} should have run in a thread of its own, and ended")
        return call, ran[0] - t0 if stamped else 0, 0, reap


class Futures(Mechanism):
    """A task says who it was done by, or when: no more can be asked of a worker that imports nothing of ours."""

    def prepare(self):
        from concurrent.futures import ProcessPoolExecutor

        vars(sys.modules["__main__"]).pop("__file__", None)
        self.pool = ProcessPoolExecutor
        self.worker = None

    def checked(self, told, stamped, t0, end, gone):
        """The start of an iteration whose task told this between t0 and end."""
        if stamped:
            if not t0 <= told <= end:
                raise Fail(f"the worker's clock said {told}, which is not between {t0} and {end}")
            return told - t0
        if told == os.getpid() or self.worker not in (None, told):
            raise Fail(f"the task was done by {told}, which is not the worker")
        if gone and os.path.exists(f"/proc/{told}"):
            raise Fail(f"the worker {told} is still there after shutdown()")
        return 0


class FuturesCold(Futures):
    def iterate(self, number, stamped):
        pool, task = self.pool, now if stamped else os.getpid
        t0 = now()
        executor = pool(1)
        future = executor.submit(task)
        call = now() - t0
        told = future.result()
        executor.shutdown()
        reap = now() - t0
        return call, self.checked(told, stamped, t0, t0 + reap, True), 0, reap


class FuturesWarm(Futures):
    def prepare(self):
        super().prepare()
        self.executor = self.pool(1)
        self.worker = self.executor.submit(os.getpid).result()

    def iterate(self, number, stamped):
        submit, task = self.executor.submit, now if stamped else os.getpid
        t0 = now()
        future = submit(task)
        call = now() - t0
        told = future.result()
        reap = now() - t0
        return call, self.checked(told, stamped, t0, t0 + reap, False), 0, reap

    def close(self):
        self.executor.shutdown()


MECHANISMS = {
    "os.fork": OsFork,
    "os.posix_spawn": PosixSpawn,
    "subprocess": Subprocess,
    "subprocess-close_fds-false": SubprocessInheriting,
    "subprocess-preexec_fn": SubprocessPreexec,
    "multiprocessing-fork": MultiprocessingFork,
    "multiprocessing-spawn": MultiprocessingSpawn,
    "multiprocessing-forkserver-cold": ForkserverCold,
    "multiprocessing-forkserver-warm": Forkserver,
    "threading": Threading,
    "concurrent.futures-cold": FuturesCold,
    "concurrent.futures-warm": FuturesWarm,
}

# --- Iterations -------------------------------------------------------------------------------------------------------


class Rows:
    """Samples, in memory that was touched beforehand and that no child inherits."""

    def __init__(self, count):
        self.memory = mmap.mmap(-1, max(1, count) * 32, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.memory.madvise(mmap.MADV_DONTFORK)
        for offset in range(0, len(self.memory), PAGE):
            self.memory[offset] = 0
        self.words = memoryview(self.memory).cast("Q")


def is_stamped(index, plain, stamped):
    """Whether that iteration is stamped, with so many of them spread evenly among all."""
    total = plain + stamped
    return (index + 1) * stamped // total > index * stamped // total


def largest_gap():
    """The longest step of the clock, watched for a millisecond."""
    gap, before = 0, now()
    end = before + 1_000_000
    while before < end:
        after = now()
        gap, before = max(gap, after - before), after
    return gap


class Subject:
    def __init__(self, wire):
        self.wire, self.image, self.footprint = wire, None, None
        self.next, self.done_first = 0, False

    def iterate(self, mechanism, stamped=False):
        if self.footprint:
            self.footprint.rewrite()
        mechanism.between()
        number, self.next = self.next, self.next + 1
        return mechanism.iterate(number, stamped)

    def hold(self, asked):
        if self.footprint:
            self.footprint.release()
            self.footprint = None
        footprint = Footprint(asked)
        self.footprint = footprint
        return footprint.receipt()

    def time(self, name, plain, stamped, warmup):
        if name not in MECHANISMS:
            raise Fail(f"`{name}` is no mechanism of this subject; there are: {' '.join(MECHANISMS)}")
        if plain + stamped > MOST_ITERATIONS or warmup > MOST_ITERATIONS:
            raise Fail(f"{plain + stamped} iterations are too many for one order; {MOST_ITERATIONS} is the most")
        try:
            mechanism = MECHANISMS[name](self.image, stamped > 0)
        except (ImportError, NotImplementedError, AttributeError) as error:
            raise Skip(f"{name}: this Python lacks it: {error}")
        try:
            return self.measure(mechanism, plain, stamped, warmup)
        except (Fail, Skip) as error:
            raise type(error)(f"{name}: {error}")
        finally:
            gc.enable()
            gc.unfreeze()
            mechanism.close()

    def measure(self, mechanism, plain, stamped, warmup):
        gc.collect()
        gc.freeze()
        gc.disable()
        if not self.done_first:
            sample = self.iterate(mechanism)
            self.done_first = True
            self.wire.send(f"first call={sample[0]} reap={sample[3]}")
        for _ in range(warmup):
            self.iterate(mechanism)
        total = plain + stamped
        rows, timed = Rows(4 * total), 0
        words, gap = rows.words, largest_gap()
        before, begin = usage(), now()
        for index in range(total):
            row = self.iterate(mechanism, is_stamped(index, plain, stamped))
            timed += max(row[0], row[3])
            words[4 * index], words[4 * index + 1], words[4 * index + 2], words[4 * index + 3] = row
        wall, after = now() - begin, usage()
        lines = []
        for index in range(total):
            call, start, executed, reap = words[4 * index : 4 * index + 4]
            if not is_stamped(index, plain, stamped):
                lines.append(f"sample call={call} reap={reap}")
                continue
            told = [f"start={start}"] if start else []
            told += [f"exec={executed}"] if executed else []
            # An image that does not say when it began leaves an iteration like the others.
            lines.append("sample " + (" ".join(told) or f"call={call} reap={reap}"))
        self.wire.send(*lines)
        spent = " ".join(f"{key}={after[key] - before[key]}" for key in after)
        return f"done iterations={total} wall={wall} timed={timed} gap={gap} {spent}".rstrip()

    def obey(self, word, rest):
        pairs = dict(pair.split("=", 1) for pair in rest if "=" in pair)
        if word == "cpu":
            try:
                os.sched_setaffinity(0, {int(rest[0])})
            except (OSError, ValueError, IndexError) as error:
                raise Fail(f"cannot run on CPU {' '.join(rest)}: {error}")
        elif word == "exec":
            self.image = [decoded(part) for part in rest]
        elif word == "hold":
            counts = ("bytes", "window", "vmas", "threads", "busy", "fds")
            asked = {key: int(pairs.get(key, 0)) for key in counts}
            if int(pairs.get("spread", 0)):
                raise Skip("this subject scatters memory over no more than its own: leave out spread")
            return self.hold(dict(pairs, **asked))
        elif word == "time":
            counts = (int(pairs.get(key, 0)) for key in ("plain", "stamped", "warmup"))
            return self.time(pairs.get("mechanism", ""), *counts)
        elif word == "life":
            raise Fail("this subject tells no lives")
        else:
            raise Fail(f"`{word}` is no order")
        return None


def usage():
    """Faults and switches of this process so far."""
    try:
        import resource
    except ImportError:
        return {}
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "minor_faults": spent.ru_minflt,
        "major_faults": spent.ru_majflt,
        "voluntary_switches": spent.ru_nvcsw,
        "involuntary_switches": spent.ru_nivcsw,
    }


def serve():
    # Statuses of children would be lost to whoever ignored SIGCHLD before us.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    wire = Wire()
    # Later Pythons warn of forks beside threads, on a standard error that nobody reads.
    sys.warnoptions[:] = ["ignore"]
    if "warnings" in sys.modules:
        sys.modules["warnings"].simplefilter("ignore")
    wire.send(f"subject protocol=1 pid={os.getpid()}")
    subject, greeted = Subject(wire), False
    for line in wire.lines():
        word, *rest = line.split() or ["#"]
        if word.startswith("#"):
            continue
        if word == "end":
            break
        if not greeted:
            if (word, rest) != ("forkbench", ["1"]):
                wire.send("fail the first line must be `forkbench 1`: this subject speaks protocol 1")
                return
            greeted = True
            continue
        try:
            answer = subject.obey(word, rest)
        except Skip as skip:
            answer = f"skip {skip}"
        except Exception as error:
            kind = "" if isinstance(error, Fail) else f"{type(error).__name__}: "
            answer = f"fail {kind}{error}"
        if answer:
            wire.send(answer)
    # What a footprint gives back, and in which order, matters to the next subject.
    if subject.footprint:
        subject.footprint.release()


if __name__ == "__main__":
    serve()
