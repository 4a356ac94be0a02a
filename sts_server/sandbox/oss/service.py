"""The OSS side: each request through every check in order, then to its operation, then logged."""

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sts_server.sandbox.accounts import Accounts, Identity
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.errors import DisconnectedError, DiskFullError
from sts_server.sandbox.oss.access import (
    authenticate,
    authorize,
    choose,
    claimed_key,
    printable_key,
    prove,
    without_signature,
)
from sts_server.sandbox.oss.addressing import Names
from sts_server.sandbox.oss.anonymous import check_anonymous, check_unsigned
from sts_server.sandbox.oss.answer import Answer, Receive, Send, error_answer, send_answer
from sts_server.sandbox.oss.call import Call, Demand
from sts_server.sandbox.oss.cors import cors_headers, matched
from sts_server.sandbox.oss.errors import OssError, internal_error, no_such_bucket
from sts_server.sandbox.oss.form import Form
from sts_server.sandbox.oss.operations.bucket_cors import preflight
from sts_server.sandbox.oss.posting import (
    bucket_url,
    check_fields,
    final_key,
    is_form_upload,
    post_object,
    read_policy,
)
from sts_server.sandbox.oss.proofs.form import read_form
from sts_server.sandbox.oss.request import OssRequest, read_requests
from sts_server.sandbox.oss.rights import (
    actions_of,
    bucket_tags,
    existing_tags,
    facts_of,
    heeds_tags,
    write_actions,
)
from sts_server.sandbox.oss.table import find_operation, makes_bucket
from sts_server.sandbox.ram.decision import Resource
from sts_server.sandbox.seen import RequestLog
from sts_server.sandbox.store.bucket import Cors
from sts_server.sandbox.store.store import Store

logger = logging.getLogger(__name__)


class OssService:
    """OSS of one region and one owner.

    Args:
        store: Where objects live.
        accounts: Everyone who exists.
        clock: Real and virtual time.
        log: Takes every request.
        region: The general region id, `cn-hangzhou`.
        owner: Account id of the owner of all buckets.
        domain: Buckets are `<bucket>.<domain>` too.
        cname: The bucket that a host name stands for which is none of ours.
        request_id: Gives ids of 24 upper-case hex digits.
    """

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        clock: Clock,
        log: RequestLog,
        *,
        region: str,
        owner: str,
        domain: str = "localhost",
        cname: str = "examplebucket",
        request_id: Callable[[], str] = lambda: secrets.token_hex(12).upper(),
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._log = log
        self._names = Names(domain, region, cname)
        self._region = region
        self._owner = owner
        self._request_id = request_id

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one ASGI HTTP request, whatever happens."""
        started = time.monotonic()
        visit = _Visit(self._request_id())
        try:
            answer = await self._answer(visit, scope, receive)
            self._log.add(
                scope,
                service="oss",
                operation=visit.operation,
                access_key_id=visit.access_key_id,
                status=answer.status,
                code=visit.code,
            )
            common = {
                **self._cors_headers(visit.request),
                "Server": "AliyunOSS",
                "x-oss-request-id": visit.request_id,
                "x-oss-server-time": str(int((time.monotonic() - started) * 1000)),
            }
            await send_answer(answer, common, receive, send, self._store)
        except DisconnectedError:
            return

    def cors_headers(self, scope: Mapping[str, Any]) -> dict[str, str]:
        """Give what lets a script read an answer that is given in place of this service's."""
        try:
            request = choose(read_requests(scope, self._names), self._accounts)
        except OssError:
            return {}
        return self._cors_headers(request)

    async def _answer(self, visit: "_Visit", scope: Mapping[str, Any], receive: Receive) -> Answer:
        try:
            return await self._serve(visit, scope, receive)
        except DisconnectedError:
            raise
        except OssError as error:
            refusal = error
        except DiskFullError as error:
            logger.error("the data folder is full: %s", error)  # noqa: TRY400 - one line says it all
            refusal = internal_error()
        except Exception:
            logger.exception("an OSS request failed in the sandbox itself")
            refusal = internal_error()
        visit.code = refusal.code
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        head = scope["method"] == "HEAD"
        return error_answer(refusal, host=host, request_id=visit.request_id, head=head)

    async def _serve(self, visit: "_Visit", scope: Mapping[str, Any], receive: Receive) -> Answer:
        request = choose(read_requests(scope, self._names), self._accounts)
        visit.access_key_id = claimed_key(request)
        visit.request = request
        known = not request.bucket or self._store.has_bucket(request.bucket)
        if not known and not makes_bucket(request):
            raise no_such_bucket(request.bucket)
        if request.method == "OPTIONS":
            visit.operation = "OptionObject"
            return preflight(request, self._cors(request))
        if is_form_upload(request):
            return await self._post(visit, request, receive)
        identity = authenticate(request, self._accounts, self._clock, self._region)
        request = without_signature(request)
        operation = find_operation(request)
        visit.operation = operation.name
        if identity is None:
            check_unsigned(request.query)
        demand = self._demand(identity, request)
        for action in actions_of(operation, request):
            version = request.query.get("versionId", "")
            await demand(action, request.bucket, request.key, version=version)
        call = Call(request, receive, self._store, self._region, self._owner, demand)
        return await operation.perform(call)

    async def _post(self, visit: "_Visit", request: OssRequest, receive: Receive) -> Answer:
        """PostObject, whose proof, key and headers are inside its body."""
        visit.operation, visit.access_key_id = "PostObject", ""
        form = Form(request.headers["content-type"], receive)
        fields = await form.fields()
        proof = read_form(fields)
        identity = None
        if proof is not None:
            visit.access_key_id = printable_key(proof.access_key_id)
            identity = prove(proof, self._accounts, self._clock, self._region)
        key = final_key(fields, form.filename)
        given = {**fields, "bucket": request.bucket, "key": key}
        policy = read_policy(proof, given, self._clock.real())
        check_fields(fields)
        posted = replace(request, key=key, headers=fields)
        demand = self._demand(identity, posted)
        for action in write_actions(posted):
            await demand(action, posted.bucket, posted.key)
        call = Call(posted, receive, self._store, self._region, self._owner, demand)
        return await post_object(call, form, policy, bucket_url(request, self._names))

    def _cors(self, request: OssRequest) -> Cors | None:
        bucket = self._store.bucket(request.bucket)
        return bucket.cors if bucket else None

    def _cors_headers(self, request: OssRequest | None) -> dict[str, str]:
        """Give what lets a script read the answer, be it a refusal; a preflight says it itself."""
        if request is None or "origin" not in request.headers or request.method == "OPTIONS":
            return {}
        cors, origin = self._cors(request), request.headers["origin"]
        return cors_headers(cors, matched(cors, origin, request.method), origin)

    def _demand(self, identity: Identity | None, request: OssRequest) -> Demand:
        async def demand(
            action: str,
            bucket: str,
            key: str = "",
            *,
            version: str = "",
            facts: Mapping[str, str] | None = None,
        ) -> None:
            if identity is None:
                check_anonymous(action, *await self._acls(bucket, key, version))
                return
            name = f"{bucket}/{key}" if key else bucket or "*"
            resource = Resource("oss", self._region, self._owner, name)
            known = {**facts_of(request, action), **(facts or {})}
            known |= bucket_tags(self._store.bucket(bucket))
            if key and heeds_tags(identity):
                record = await self._store.query(lambda index: index.find(bucket, key, version))
                known |= existing_tags(record)
            authorize(identity, request, action, resource, self._clock, known)

        return demand

    async def _acls(self, name: str, key: str, version: str) -> tuple[str, str]:
        """Give the ACLs of a bucket and of an object in it."""
        bucket = self._store.bucket(name)
        record = await self._store.query(lambda index: index.find(name, key, version))
        return bucket.acl if bucket else "private", record.acl if record else "default"


@dataclass
class _Visit:
    """What is learned about one request on its way, for the log."""

    request_id: str
    operation: str = ""
    access_key_id: str = ""
    code: str = ""
    request: OssRequest | None = None
