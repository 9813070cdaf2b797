"""Starts and removes real Kubernetes clusters, for the tests and for `make demo`; never part of the product.

- `base` is the interface; `native`, `kind` and `existing` are its providers, `providers` chooses one.
- native: `layout` (addresses and files), `credentials`, `controlplane`, `node` with `nodeconfig` and `cgroups`;
  `daemons` runs processes, `binaries` builds the programs, `host` installs packages.
- `images` and `buildah` make the product's image, `chart` installs it, `operator_process` runs it outside.
- `audit` counts writes; `demo` and `__main__` for people.
"""
