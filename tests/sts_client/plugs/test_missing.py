"""A plug whose package is not there says in one line what to install."""

import subprocess
import sys

import pytest

PLUGS = {
    "oss2": ("oss2", "pip install oss2"),
    "oss_v2": ("alibabacloud_oss_v2", "pip install alibabacloud-oss-v2"),
    "credentials": ("alibabacloud_credentials_api", "pip install alibabacloud-credentials"),
    "fsspec": ("fsspec", 'pip install "oss-sts[fsspec]"'),
}


@pytest.mark.parametrize("plug", PLUGS)
def test_what_to_install_is_said(plug: str) -> None:
    package, install = PLUGS[plug]
    program = f"import sys; sys.modules[{package!r}] = None; import sts_client.plugs.{plug}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == f"ImportError: {package} is not installed: {install}"


def test_what_a_package_lacks_itself_is_its_own_matter() -> None:
    program = "import sys; sys.modules['crcmod'] = None; import sts_client.plugs.oss2"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "crcmod" in done.stderr.splitlines()[-1]


def test_nobody_imports_a_plug_by_the_way() -> None:
    program = (
        "import sys, sts_client, sts_client.cli;"
        "assert not any(name.startswith('sts_client.plugs') for name in sys.modules);"
        "assert not {'oss2', 'fsspec', 'alibabacloud_oss_v2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
