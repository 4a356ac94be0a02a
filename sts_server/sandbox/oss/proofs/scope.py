"""The scope inside a V4 credential: it must name this day, this region and this product."""

from sts_server.sandbox.oss.errors import invalid_argument
from sts_server.sandbox.oss.signature import Authorization


def check_scope(authorization: Authorization, date: str, region: str, where: str) -> None:
    """Compare a credential scope with the date it is used on and the region it is used in.

    Args:
        authorization: The parsed credential.
        date: The `x-oss-date` it is used with.
        region: The general region id of this sandbox.
        where: Name of the header, parameter or field that it stood in.

    Raises:
        OssError: It is meant for another day or region.
    """
    if authorization.date != date[:8]:
        raise invalid_argument(
            where,
            authorization.date,
            "The date in the credential scope differs from x-oss-date.",
            "0002-00000223",
        )
    if authorization.region != region:
        raise invalid_argument(
            where,
            authorization.region,
            "The region in the credential scope is not the region of the bucket.",
            "0002-00000226",
        )
