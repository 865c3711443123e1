"""The measurements that README quotes: `make bench` or `python -m bench`."""
