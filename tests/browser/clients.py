"""Pages that have a client of OSS: ours, or ali-oss alone as its README has it."""

from typing import Any

from playwright.async_api import Page

from tests.browser.house import KEY, LIFE, Stage, open_page

SDKS = ["ali-oss-6.16.0", "ali-oss"]
NAME = "users/alice/a.txt"

OURS = """async ({ url, key, grant = 'uploads' }) => {
  const ours = await import('/leases.js')
  window.ahead = 0 // how far time has been moved, for leases
  const now = () => Date.now() + ahead
  const pause = () => Promise.resolve()
  const leases = ours.createLeases({ server: url, grant, token: key, now, pause })
  Object.assign(window, ours, { leases, oss: await createOss(OSS, leases) })
}""".replace("await createOss", "await ours.createOss")

# As ali-oss's README has it.
ALONE = """async ({ url, key }) => {
  const vend = async () => {
    const answer = await fetch(`${url}/v1/credentials/uploads`, { headers: { Authorization: `Bearer ${key}` } })
    if (!answer.ok) throw new Error('the server refused')
    return answer.json()
  }
  const { Lease, ...keys } = await vend()
  window.oss = new OSS({
    accessKeyId: keys.AccessKeyId,
    accessKeySecret: keys.AccessKeySecret,
    stsToken: keys.SecurityToken,
    bucket: Lease.Bucket,
    region: `oss-${Lease.Region}`,
    authorizationV4: true,
    refreshSTSToken: vend,
    refreshSTSTokenInterval: Date.parse(Lease.RefreshAfter) - Date.parse(Lease.ServerTime),
  })
}"""

FAILED = "error => ({ name: error.name, code: error.code, status: error.status, message: error.message })"
PUT = f"oss.put('{NAME}', new Blob(['hello'])).then(({{ res }}) => res.status, {FAILED})"
TWENTY = f"""Promise.all(Array.from({{ length: 20 }}, () =>
  oss.get('{NAME}').then(({{ content }}) => String(content), ({{ code }}) => code)))"""
ASKED = f"leases.get().then(lease => lease.accessKeyId, {FAILED})"


async def begin(page: Page, stage: Stage, script: str = OURS, sdk: str = "ali-oss") -> None:
    """Open a page that has a client as `oss`."""
    await open_page(page, sdk)
    await page.add_script_tag(url="/sdk.js")
    await page.evaluate(script, {"url": stage.url, "key": KEY})


async def later(page: Page, stage: Stage, seconds: float) -> None:
    """Let time pass. No timer of the page comes due: the tab was asleep."""
    stage.later(seconds)
    await page.evaluate("seconds => { window.ahead = seconds * 1000 }", stage.ahead)


async def later_for_all(page: Page, stage: Stage) -> None:
    """Let the lease end for a page that knows one clock only, so OSS has to have the same."""
    stage.later(LIFE + 1)
    stage.sandbox.fault(service="oss", skew=stage.ahead)
    await page.clock.set_system_time(stage.clock())


def keys(sent: list[dict[str, Any]]) -> list[str]:
    """Tell the keys that came to OSS, each once, the first first."""
    return list(dict.fromkeys(one["access_key_id"] for one in sent))
