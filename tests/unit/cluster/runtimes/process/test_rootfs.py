"""The root of a container."""

from __future__ import annotations

from gitlab_ci_cluster.runtimes.process.rootfs import host_mounts


def test_mounts_of_the_host_are_found():
    """Real file systems below /, with odd names; not those that a container has itself."""
    text = """\
1 0 8:1 / / rw - ext4 /dev/sda rw
2 1 8:2 / /home rw shared:1 - ext4 /dev/sdb rw
3 1 8:3 / /mnt/with\\040space rw - xfs /dev/sdc rw
4 1 0:4 / /proc rw - proc proc rw
5 1 0:5 / /run/user/1 rw - tmpfs tmpfs rw
6 1 0:6 / /sys/fs/cgroup rw - tmpfs tmpfs rw
7 1 0:7 / /tmp rw - tmpfs tmpfs rw
8 1 0:8 / /dev/shm rw - tmpfs tmpfs rw
9 1 0:9 / /net rw - autofs systemd rw
"""

    assert list(host_mounts(text)) == ["/home", "/mnt/with space", "/tmp"]


def test_what_belongs_to_container_engines_is_left_out():
    """On a machine with many containers, each of ours would otherwise mount an overlay for each."""
    text = """\
1 0 8:1 / / rw - ext4 /dev/sda rw
2 1 8:1 /srv/storage/overlay /srv/storage/overlay rw - ext4 /dev/sda rw
3 2 0:9 / /srv/storage/overlay/2c70/merged rw - overlay overlay rw,lowerdir=l/A:l/B
4 1 0:8 / /srv/storage/overlay-containers/2c70/userdata/shm rw - tmpfs shm rw
5 1 0:7 / /data/storage/overlay/2c70/merged rw - fuse.fuse-overlayfs fuse-overlayfs rw
6 1 0:6 / /var/lib/docker/rootfs/overlayfs/2c70 rw - overlay overlay rw
7 1 8:1 /srv/data /mnt/data rw - ext4 /dev/sda rw
9 1 8:2 /mnt/other /mnt/other rw - ext4 /dev/sdb rw
8 1 0:5 / /media/live rw - overlay overlay rw
"""

    assert list(host_mounts(text)) == [
        "/media/live",
        "/mnt/data",
        "/mnt/other",
        "/srv/storage/overlay-containers/2c70/userdata/shm",
    ]
