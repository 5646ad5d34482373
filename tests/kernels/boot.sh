#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boots one of Debian's kernels in qemu (no KVM needed) and runs a script in it, so that a claim about a kernel is
# something that was run; or runs it on this kernel, in namespaces that look the same. What to run, and how to read it,
# is the caller's business. See usage() below.
set -euo pipefail

usage() {
    cat <<'END'
usage: boot.sh [-t SECONDS] [-m MODULE]... [-a ARGUMENT]... [-p MODULE,...] [-k] KERNEL SCRIPT [FILE[=DEST]]...

  KERNEL   6.1 or 6.12: the Debian cloud kernel of that series, downloaded once into ~/.cache/nsp/kernels; host: this
           one, in namespaces of its own, without -m, -a and -k
  SCRIPT   runs as /test under bash; its stdout and stderr are ours, its exit status too
  FILE     a file to carry along. An executable goes to /bin/NAME with the shared libraries it needs,
           anything else to /NAME; a folder, whole, to /NAME; =DEST (absolute) says otherwise
  -t       seconds until the machine is killed (default 120)
  -m       one more kernel module, with what it depends on, besides veth sch_ingress cls_bpf bridge
  -a       one more argument for the kernel's command line
  -p       carry python3 along as /bin/python3, to be started with -IS, with these modules and what FILEs import
  -k       print the kernel's console on stderr as well

The machine has 2 CPUs and 1 GB, cgroup2 on /sys/fs/cgroup, bpffs, debugfs, tracefs, `lo` up, and busybox for whatever
was not carried along. On the host: cgroup2 and bpffs likewise, and MACHINE=host in the environment.
Exit status: the script's; 124 when time ran out; 125 when the machine did not get that far; 77 when this host's
package sources have no such kernel.
END
}

die() {
    echo "boot.sh: $1" >&2
    exit "${2:-125}"
}

# The meta packages are named differently from release to release: take the one that leads to the wanted series.
find_package() {
    local meta package
    for meta in linux-image-cloud-amd64 "linux-image-$1-cloud-amd64"; do
        package=$(apt-cache depends "$meta" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9]\)/\1/p' | head -n 1)
        [[ $package == "linux-image-$1."* ]] && echo "$package" && return 0
    done
    return 1
}

# As root, apt would rather download as _apt, which cannot write into a home folder, and says so every time.
download() {
    apt-get download -qq -o APT::Sandbox::User=root "$1"
}

# Prints the folder with boot/vmlinuz-* and lib/modules/*, downloading it first.
fetch_kernel() {
    local package cache=${XDG_CACHE_HOME:-$HOME/.cache}/nsp/kernels
    package=$(find_package "$1") || {
        apt-get update -qq >&2 || true
        package=$(find_package "$1") || die "this host's package sources have no Linux $1 cloud kernel" 77
    }
    [[ -e $cache/$package/.complete ]] || unpack "$package" "$cache/$package"
    echo "$cache/$package"
}

# Runs side by side may race: each unpacks aside and the first rename wins.
unpack() {
    local package=$1 dir=$2 aside
    mkdir -p "${dir%/*}"
    aside=$(mktemp -d "$dir.XXXXXX")
    (cd "$aside" && { download "$package" || { apt-get update -qq && download "$package"; }; } >&2) ||
        die "cannot download $package"
    dpkg -x "$aside"/*.deb "$aside/root"
    depmod -b "$aside/root" "$(basename "$aside"/root/lib/modules/*)"
    touch "$aside/root/.complete"
    mv -T "$aside/root" "$dir" 2>/dev/null || [[ -e $dir/.complete ]] || die "cannot write $dir"
    rm -rf "$aside"
}

# Copies the modules named in $@ and theirs into the image, and their names to /modules in the order to insert them.
add_modules() {
    local dir=$1 image=$2 name path release
    shift 2
    release=$(basename "$dir"/lib/modules/*)
    mkdir -p "$image/modules.d"
    for name in "$@"; do
        modprobe -d "$dir" -S "$release" --show-depends "$name" | while read -r verb path _; do
            [[ $verb == insmod ]] || continue
            local ko=${path##*/}
            ko=${ko%.xz}
            [[ -e $image/modules.d/$ko ]] && continue
            case $path in
            *.xz) xz -dc "$path" >"$image/modules.d/$ko" ;;
            *) cp "$path" "$image/modules.d/$ko" ;;
            esac
            echo "$ko" >>"$image/modules"
        done || die "no module $name in Linux $release"
    done
}

add_file() {
    local image=$1 source=${2%%=*} dest="" library
    [[ $2 == *=* ]] && dest=${2#*=}
    [[ -e $source ]] || die "no file $source"
    if [[ -f $source && -x $source ]]; then
        : "${dest:=/bin/${source##*/}}"
        while read -r library; do
            [[ -e $image$library ]] || install -D "$library" "$image$library"
        done < <(ldd "$source" 2>/dev/null | grep -o '/[^ ]*' | grep '^/' || true)
    else
        : "${dest:=/${source##*/}}"
    fi
    mkdir -p "$image${dest%/*}"
    rm -rf "${image:?}$dest"
    cp -rL --preserve=mode,timestamps "$source" "$image$dest" # Python compiles again what looks newer
}

# add_python IMAGE MODULES FILE...: what they import, and the Python programs among the files, is what is loaded when
# all of it is.
add_python() {
    local image=$1 python file
    python=$(readlink -f /usr/bin/python3)
    add_file "$image" "$python=/bin/python3"
    while read -r file; do
        add_file "$image" "$file=$file"
    done < <("$python" -ISc '
import ast, importlib, os, sys
names = sys.argv[1].split(",")
for path in (path for path in sys.argv[2:] if path.endswith(".py")):
    for node in ast.walk(ast.parse(open(path).read())):
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
for name in names:
    importlib.import_module(name)
for module in list(sys.modules.values()):
    for path in (getattr(module, "__file__", None), getattr(module, "__cached__", None)):
        if path and os.path.exists(path):
            print(path)' "${@:2}")
}

# In the machine, or with the machine's own root still at /host.
write_init() {
    cat >"$1" <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
if [ -d /host ]; then
    mount --rbind /host/dev /dev
    umount -l /host
    rmdir /host
    mkdir -p /tmp /run /root /var/run /etc
    mount -t tmpfs tmpfs /tmp
    mount -t tmpfs tmpfs /run
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount -t bpf bpf /sys/fs/bpf
    ip link set lo up
    cd /tmp
    MACHINE=host exec bash /test
fi
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /tmp /run /root /var/run /etc
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
ln -sf /proc/self/fd /dev/fd
while read -r module; do insmod "/modules.d/$module"; done </modules
ip link set lo up
hostname nsp-kernel
stty -F /dev/ttyS1 raw -echo
echo "nsp-boot: start" >/dev/console
cd /tmp && setsid bash /test >/dev/ttyS1 2>&1 </dev/null
echo "nsp-boot: exit $?" >/dev/console
poweroff -f
END
    chmod +x "$1"
}

build_image() {
    local dir=$1 image=$2 script=$3 file
    shift 3
    mkdir -p "$image"/{bin,sbin,dev,proc,sys,etc,lib,usr/bin,usr/sbin}
    cp "$(command -v busybox)" "$image/bin/busybox"
    write_init "$image/init"
    install -m 755 "$script" "$image/test"
    # Not busybox's shell: that one prefers its own ip and tc to the real ones carried along.
    add_file "$image" "$(command -v bash)=/bin/bash"
    : >"$image/modules"
    [[ -z $dir ]] || add_modules "$dir" "$image" "${modules[@]}"
    [[ -z $python_modules ]] || add_python "$image" "$python_modules" "$@"
    for file in "$@"; do
        add_file "$image" "$file"
    done
}

pack_image() {
    local image=$1
    (cd "$image" && find . -print0 | cpio --null -o -H newc --quiet) >"$image.cpio"
}

# The kernel's console is one serial line and the script's output another, so that neither garbles the other.
# no_timer_check: on a busy host the kernel takes a late tick of qemu for a timer that is not connected, and gives up.
boot() {
    local dir=$1 initrd=$2 console=$3 rc=0 words
    words="rdinit=/init random.trust_cpu=on nowatchdog no_timer_check ${arguments[*]}"
    timeout --kill-after=5 "$seconds" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1G -display none \
        -nodefaults -no-user-config -no-reboot -kernel "$dir"/boot/vmlinuz-* -initrd "$initrd" \
        -append "console=ttyS0 panic=-1 loglevel=$loglevel $words" \
        -chardev "file,id=console,path=$console" -serial chardev:console \
        -chardev stdio,id=out,signal=off -serial chardev:out </dev/null &
    qemu=$!
    wait "$qemu" || rc=$?
    qemu=
    if [[ $rc == 124 || $rc == 137 ]]; then
        tail -n 40 "$console" >&2
        die "Linux did not finish in $seconds s" 124
    fi
    [[ $rc == 0 ]] || die "qemu exit status $rc"
}

# The script's processes are in one pid namespace, which ends with it, and below one cgroup.
run_here() {
    local image=$1 rc=0
    cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/${work##*/}
    mkdir "$cgroup"
    # shellcheck disable=SC2016
    bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "$cgroup" timeout --kill-after=5 "$seconds" \
        unshare --mount --net --pid --uts --cgroup --fork --kill-child sh -c '
            mount --bind "$1" "$1" && cd "$1" && mkdir host && pivot_root . host && exec /init' - "$image" </dev/null &
    qemu=$!
    wait "$qemu" || rc=$?
    qemu=
    [[ $rc != 124 && $rc != 137 ]] || die "did not finish in $seconds s" 124
    return "$rc"
}

remove_cgroup() {
    local folder tries
    for ((tries = 0; tries < 50; tries++)); do
        xargs -r kill -KILL <"$cgroup/cgroup.procs" 2>/dev/null || true
        while read -r folder; do
            rmdir "$folder" 2>/dev/null || true
        done < <(find "$cgroup" -depth -type d)
        [[ -e $cgroup ]] || return 0
        read -rt 0.1 <> <(:) || true
    done
}

finish() {
    [[ -z $qemu ]] || kill "$qemu" 2>/dev/null || true
    [[ -z $cgroup ]] || remove_cgroup
    rm -rf "$work"
}

main() {
    local dir="" status
    [[ $1 == host ]] || dir=$(fetch_kernel "$1")
    work=${TMPDIR:-/tmp}/nspt$$xboot # a name that tests clear away, should this run be killed
    mkdir "$work"
    trap finish EXIT
    trap 'exit 130' INT TERM HUP
    build_image "$dir" "$work/image" "${@:2}"
    if [[ $1 == host ]]; then
        run_here "$work/image"
        exit
    fi
    pack_image "$work/image"
    rm -rf "$work/image"
    boot "$dir" "$work/image.cpio" "$work/console"
    if $show_console; then
        tr -d '\r' <"$work/console" >&2
    fi
    status=$(tr -d '\r' <"$work/console" | sed -n 's/.*nsp-boot: exit \([0-9]*\)$/\1/p')
    if [[ -z $status ]]; then
        tail -n 40 "$work/console" >&2
        die "Linux $1 ended before the script did"
    fi
    exit "$status"
}

qemu=
cgroup=
python_modules=
seconds=120
loglevel=4
show_console=false
modules=(veth sch_ingress cls_bpf bridge)
arguments=()
while getopts t:m:a:p:kh option; do
    case $option in
    t) seconds=$OPTARG ;;
    m) modules+=("$OPTARG") ;;
    a) arguments+=("$OPTARG") ;;
    p) python_modules=$OPTARG ;;
    k) show_console=true loglevel=7 ;;
    h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[[ $# -ge 2 ]] || { usage >&2 && exit 2; }
[[ $1 == host || $(uname -m) == x86_64 ]] || die "needs an x86-64 host" 77
main "$@"
