"""What is written of a module reads back as the same module, in every version, whatever its names look like to YAML."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statefun.batch import ProtocolVersion
from statefun.errors import BindingError, ModuleFormatError, StatefunError
from statefun.model import Module, ModuleVersion
from statefun.module.durations import parse_duration, render_duration
from statefun.module.load import load
from statefun.module.render import render
from statefun.module.scalars import reads_as
from tests.property import modules

versions = pytest.mark.parametrize("version", ModuleVersion)


@versions
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_rendered_loads_as_the_same_module_and_renders_the_same_again(
    version: ModuleVersion, data: st.DataObject
) -> None:
    module = data.draw(modules.modules(version))
    text = render(module)
    again = load(text, "made.yaml")
    assert again == module
    assert render(again) == text
    assert all(each.source is not None for each in (*again.endpoints, *again.ingresses, *again.egresses))


@versions
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
@given(data=st.data())
def test_another_version_says_the_same_or_says_why_not(version: ModuleVersion, data: st.DataObject) -> None:
    module: Module = data.draw(modules.modules(data.draw(st.sampled_from(ModuleVersion))))
    refused: StatefunError | None = None
    other, text = module, ""
    try:
        other = module.with_version(version)
        text = render(other)
    except (BindingError, ModuleFormatError) as error:
        refused = error
    if refused is not None:
        assert refused.hint
        return
    assert load(text) == other
    assert [each.id for each in (*other.ingresses, *other.egresses)] == [
        each.id for each in (*module.ingresses, *module.egresses)
    ]


@given(modules.durations, st.sampled_from(ProtocolVersion))
def test_durations_of_both_protocols(duration: object, protocol: ProtocolVersion) -> None:
    assert parse_duration(render_duration(duration), protocol) == duration


@given(st.one_of(modules.texts, st.text(alphabet="0123456789.:_-+eExXoObB~tTyYnN<= ", max_size=8)))
def test_what_reads_as_text_is_a_text_to_a_parser_of_yaml_1_1(text: str) -> None:
    resolver = yaml.SafeLoader("")
    tag = resolver.resolve(yaml.ScalarNode, text, (True, False))
    # For three marks the resolver has a tag that no document has; they are never written without quotes.
    if reads_as(text) is None and text not in {"!", "&", "*"}:
        assert tag == "tag:yaml.org,2002:str"
