"""placeholder"""
from typing import Any


class YamlProblem(ValueError): ...
def parse_mapping(text: str) -> dict[str, Any]:
    import yaml
    return yaml.safe_load(text) or {}
def parse_checks(v: object) -> Any:
    from harness.domain import Check
    if isinstance(v, str): v=[v]
    return tuple(Check(x) if isinstance(x,str) else Check(x['run'], x.get('timeout')) for x in v)
