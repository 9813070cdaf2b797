"""The contract: the two kinds as pydantic models. The CRDs, the chart and the docs are generated from them."""
