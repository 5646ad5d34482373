#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a container image of files of this machine: an OCI layout in a tar, as `ctr images import` takes it.

    image.py NAME OUT ENTRYPOINT PATH=FILE...     PATH=-> TARGET makes a symlink, PATH=/ a folder
"""
import hashlib
import io
import json
import os
import sys
import tarfile

KIND = "application/vnd.oci.image."


def add_bytes(tar, path, content, mode=0o755):
    entry = tarfile.TarInfo(path)
    entry.size = len(content)
    entry.mode = mode
    tar.addfile(entry, io.BytesIO(content))


def add_folders(tar, path, known):
    parts = path.split("/")[:-1]
    for end in range(1, len(parts) + 1):
        folder = "/".join(parts[:end])
        if folder in known:
            continue
        known.add(folder)
        entry = tarfile.TarInfo(folder)
        entry.type = tarfile.DIRTYPE
        entry.mode = 0o1777 if folder == "tmp" else 0o755
        tar.addfile(entry)


def make_layer(files):
    out = io.BytesIO()
    known = set()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, source in files:
            path = path.lstrip("/")
            add_folders(tar, path + "/" if source == "/" else path, known)
            if source.startswith("-> "):
                entry = tarfile.TarInfo(path)
                entry.type = tarfile.SYMTYPE
                entry.linkname = source[3:]
                tar.addfile(entry)
            elif source != "/":
                with open(source, "rb") as file:
                    add_bytes(tar, path, file.read())
    return out.getvalue()


def describe(kind, content, **more):
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return {"mediaType": KIND + kind, "digest": digest, "size": len(content), **more}


def write_image(name, out, entrypoint, files):
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    layer = make_layer(files)
    layer_entry = describe("layer.v1.tar", layer)
    config = json.dumps({
        "architecture": arch, "os": "linux",
        "config": {"Entrypoint": [entrypoint], "Env": ["PATH=/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [layer_entry["digest"]]}}).encode()
    config_entry = describe("config.v1+json", config)
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": KIND + "manifest.v1+json", "config": config_entry,
        "layers": [layer_entry]}).encode()
    names = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.split(":")[-1]}
    manifest_entry = describe("manifest.v1+json", manifest, annotations=names)
    index = json.dumps({"schemaVersion": 2, "manifests": [manifest_entry]}).encode()
    with tarfile.open(out, "w") as tar:
        add_bytes(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        add_bytes(tar, "index.json", index)
        for entry, blob in ((layer_entry, layer), (config_entry, config), (manifest_entry, manifest)):
            add_bytes(tar, "blobs/sha256/" + entry["digest"][7:], blob)


if __name__ == "__main__":
    write_image(sys.argv[1], sys.argv[2], sys.argv[3], [file.split("=", 1) for file in sys.argv[4:]])
