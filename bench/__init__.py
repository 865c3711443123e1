"""The measurements that docs/benchmarks.md explains: `make bench`."""
