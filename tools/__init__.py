"""Tools of the source tree, never part of the product: real clusters, and the generator of CRDs, chart and docs."""
