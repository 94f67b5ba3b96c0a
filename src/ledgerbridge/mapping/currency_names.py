"""What people and ERPs call currencies: names, old codes and habits, each meaning one ISO 4217 code."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from .wire import BLANKS

_CHINESE = """
CNY 人民币 人民币元 元 人民幣 中国元
USD 美元 美金 美圆
HKD 港币 港元 港幣 港纸
MOP 澳门元 澳门币 澳币（澳门） 澳門元
TWD 新台币 台币 新台幣 新臺幣 台幣
JPY 日元 日圆 日圓 日币
EUR 欧元 歐元
GBP 英镑 英鎊
AUD 澳元 澳大利亚元 澳洲元 澳大利亚镑
CAD 加元 加拿大元 加币
CHF 瑞士法郎 瑞郎
SGD 新加坡元 新元 新加坡币 坡币
KRW 韩元 韩圆 韩币 韓元
NZD 新西兰元 纽元 纽西兰元
THB 泰铢 泰国铢
MYR 马来西亚林吉特 马币 林吉特 令吉
IDR 印尼盾 印度尼西亚盾 印尼卢比
PHP 菲律宾比索
VND 越南盾
INR 印度卢比 卢比
RUB 俄罗斯卢布 卢布
SEK 瑞典克朗
NOK 挪威克朗
DKK 丹麦克朗
TRY 土耳其里拉
BRL 巴西雷亚尔 雷亚尔
MXN 墨西哥比索
ZAR 南非兰特 兰特
AED 阿联酋迪拉姆 迪拉姆 阿联酋迪尔汗
SAR 沙特里亚尔 沙特阿拉伯里亚尔
PLN 波兰兹罗提 兹罗提
CZK 捷克克朗
HUF 匈牙利福林 福林
ILS 以色列谢克尔 以色列新谢克尔
KZT 哈萨克斯坦坚戈 坚戈
MMK 缅甸元 缅元
KHR 柬埔寨瑞尔
LAK 老挝基普
"""

_HABITS = {
    "RMB": "CNY",
    "CNH": "CNY",
    "RMB元": "CNY",
    "US$": "USD",
    "USDOLLAR": "USD",
    "HK$": "HKD",
    "NT$": "TWD",
    "NTD": "TWD",
}


def folded_name(text: str) -> str:
    """The form by which names are compared: full width made half, blanks gone, upper case."""
    return "".join(unicodedata.normalize("NFKC", text).strip(BLANKS).split()).upper()


def _read() -> tuple[dict[str, str], dict[str, str]]:
    names: dict[str, str] = dict(_HABITS)
    written: dict[str, str] = {}
    for line in _CHINESE.split("\n"):
        code, *known = line.split() or [""]
        for name in known:
            names[folded_name(name)] = code
            written.setdefault(code, name)
    return names, written


NAMES: Mapping[str, str]
"""Folded name → code."""
WRITTEN_NAMES: Mapping[str, str]
"""Code → the name that is written where a system wants names."""
NAMES, WRITTEN_NAMES = _read()
