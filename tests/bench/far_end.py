"""The far end of a transfer: nginx, which serves one object and takes uploads in parts, and checks nothing.

The sandbox verifies and stores, and so would be what is measured.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastcrc import crc64

MODULE = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
BUCKET = "examplebucket"
KEY = "big.bin"

CONFIG = """
{user}
load_module {module};
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_max_body_size 0;
    client_body_buffer_size 64m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map "$request_method $args" $does {{
        "~^POST .*uploads" begin;
        "~^POST " end;
        "~^PUT " take;
        "~^GET .*uploadId" list;
        default serve;
    }}
    server {{
        listen 127.0.0.1:{port};
        root {folder}/objects;
        error_page 418 = @begin;
        error_page 419 = @end;
        error_page 420 = @take;
        error_page 421 = @list;
        location / {{
            if ($does = begin) {{ return 418; }}
            if ($does = end) {{ return 419; }}
            if ($does = take) {{ return 420; }}
            if ($does = list) {{ return 421; }}
            add_header x-oss-hash-crc64ecma {crc};
            add_header x-oss-request-id 5C3D9175B6FC201293AD4890;
        }}
        location @begin {{
            default_type application/xml;
            echo '<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>0004B9894A22E5B1888A1E29F8236E2D</UploadId></InitiateMultipartUploadResult>';
        }}
        location @end {{
            default_type application/xml;
            add_header ETag '"B864DB6A936D376F9F8D3ED3BBE540DD-3"';
            echo_read_request_body;
            echo '<CompleteMultipartUploadResult><Location>l</Location><Bucket>b</Bucket><Key>k</Key><ETag>"B864DB6A936D376F9F8D3ED3BBE540DD-3"</ETag></CompleteMultipartUploadResult>';
        }}
        location @list {{
            default_type application/xml;
            echo '<ListPartsResult><IsTruncated>false</IsTruncated><NextPartNumberMarker>0</NextPartNumberMarker></ListPartsResult>';
        }}
        location @take {{
            add_header ETag '"5D41402ABC4B2A76B9719D911017C592"';
            add_header x-oss-request-id 5C3D9175B6FC201293AD4890;
            echo_read_request_body;
            echo -n '';
        }}
    }}
}}
"""


def missing() -> str | None:
    """Say what has to be installed first."""
    if shutil.which("nginx") is None or not MODULE.exists():
        return "nginx with its echo module is not here: apt-get install nginx-light libnginx-mod-http-echo"
    return None


@contextmanager
def far_end(folder: Path, body: Path) -> Iterator[str]:
    """Run nginx until the block ends; give its address."""
    objects = folder / "objects" / BUCKET
    objects.mkdir(parents=True)
    (objects / KEY).symlink_to(body)
    crc = 0
    with body.open("rb") as file:
        while chunk := file.read(1 << 20):
            crc = crc64.xz(chunk, crc)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "nginx.conf"
    # Else root's nginx works as nobody, who may not look into a temporary folder.
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(CONFIG.format(user=user, module=MODULE, folder=folder, port=port, crc=crc))
    process = subprocess.Popen(["nginx", "-p", folder, "-c", config], stderr=subprocess.DEVNULL)  # noqa: S607 - found on the path above
    try:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
