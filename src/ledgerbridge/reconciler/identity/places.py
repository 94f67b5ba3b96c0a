"""Places that stand in company names: provinces, their cities and some well-known counties (by GB/T 2260, short forms).

A place is a path from the province down, so that 江苏 is found to hold 苏州 and 昆山. The list need not be complete: a
place that is missing stays in the brand, and :mod:`.vocabulary` learns the frequent ones from the names themselves.
"""

from __future__ import annotations

from typing import Final

Place = tuple[str, ...]
"""Province, city, county as far as known, without 省, 市, 县, 区. A learned place has no province: its first part is empty."""

# Province: cities, each with counties or towns of its own in brackets.
_TREE: Final = """
北京:中关村 亦庄
天津:滨海新区 塘沽
上海:浦东 张江 临港 嘉定 松江 青浦 奉贤 闵行
重庆:万州 涪陵 永川 江津
河北:石家庄 唐山(迁安 遵化) 秦皇岛 邯郸(武安) 邢台 保定(涿州 定州) 张家口 承德 沧州(任丘 河间) 廊坊(霸州 三河) 衡水
    雄安
山西:太原 大同 阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁
内蒙古:呼和浩特 包头 乌海 赤峰 通辽 鄂尔多斯 呼伦贝尔(满洲里) 巴彦淖尔 乌兰察布 锡林郭勒 阿拉善
辽宁:沈阳 大连(瓦房店) 鞍山(海城) 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 葫芦岛
吉林:长春 四平 辽源 通化 白山 松原 白城 延边(延吉 珲春)
黑龙江:哈尔滨 齐齐哈尔 鸡西 鹤岗 双鸭山 大庆 伊春 佳木斯 七台河 牡丹江(绥芬河) 黑河 绥化
江苏:南京 无锡(江阴 宜兴) 徐州(邳州) 常州(溧阳 金坛 武进) 苏州(昆山 常熟 张家港 太仓 吴江) 南通(启东 如皋 海门) 连云港
    淮安 盐城(东台) 扬州(仪征 高邮) 镇江(丹阳 句容 扬中) 泰州(靖江) 宿迁
浙江:杭州(萧山 余杭 富阳 临安 桐庐) 宁波(慈溪 余姚 奉化 象山) 温州(瑞安 乐清 苍南) 嘉兴(海宁 桐乡 平湖 嘉善 海盐)
    湖州(德清 长兴 安吉) 绍兴(诸暨 上虞 嵊州 柯桥) 金华(义乌 东阳 兰溪 浦江) 衢州(江山) 舟山 台州(温岭 临海 玉环)
    丽水(龙泉)
安徽:合肥(巢湖) 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆(桐城) 黄山 滁州(天长) 阜阳 宿州 六安 亳州 池州 宣城(宁国)
福建:福州(福清 长乐) 厦门 莆田 三明 泉州(晋江 石狮 南安 惠安) 漳州(龙海) 南平 龙岩 宁德(福鼎)
江西:南昌 景德镇 萍乡 九江 新余 鹰潭 赣州 吉安 宜春(丰城 樟树) 抚州 上饶
山东:济南(章丘) 青岛(胶州 即墨 平度 莱西) 淄博 枣庄(滕州) 东营(广饶) 烟台(龙口 莱州 招远) 潍坊(寿光 诸城 青州 高密)
    济宁(邹城 兖州) 泰安(新泰 肥城) 威海(荣成 文登) 日照 临沂 德州 聊城 滨州(邹平) 菏泽
河南:郑州(巩义 新郑 新密) 开封 洛阳(偃师) 平顶山 安阳 鹤壁 新乡(长垣) 焦作 濮阳 许昌(禹州 长葛) 漯河 三门峡 南阳 商丘
    信阳 周口 驻马店 济源
湖北:武汉 黄石(大冶) 十堰 宜昌(宜都) 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州 恩施 仙桃 潜江
湖南:长沙(浏阳 宁乡) 株洲(醴陵) 湘潭 衡阳 邵阳 岳阳 常德 张家界 益阳 郴州 永州 怀化 娄底 湘西
广东:广州(番禺 花都 增城 从化 南沙) 韶关 深圳(前海) 珠海(横琴) 汕头 佛山(顺德 南海 三水) 江门(开平 鹤山) 湛江 茂名
    肇庆(四会) 惠州(惠阳) 梅州 汕尾 河源 阳江 清远 东莞(虎门) 中山 潮州 揭阳(普宁) 云浮
广西:南宁 柳州 桂林 梧州 北海 防城港 钦州 贵港 玉林 百色 贺州 河池 来宾 崇左
海南:海口 三亚 三沙 儋州 琼海 洋浦
四川:成都(都江堰 彭州 双流 简阳) 自贡 攀枝花 泸州 德阳(广汉 什邡) 绵阳 广元 遂宁 内江 乐山 南充 眉山 宜宾 广安 达州
    雅安 巴中 资阳 阿坝 甘孜 凉山(西昌)
贵州:贵阳 六盘水 遵义(仁怀) 安顺 毕节 铜仁 黔西南 黔东南(凯里) 黔南
云南:昆明(安宁) 曲靖 玉溪 保山 昭通 丽江 普洱 临沧 楚雄 红河(蒙自) 文山 西双版纳 大理 德宏(瑞丽) 怒江 迪庆
西藏:拉萨 日喀则 昌都 林芝 山南 那曲 阿里
陕西:西安 铜川 宝鸡 咸阳(杨凌) 渭南 延安 汉中 榆林 安康 商洛 西咸新区
甘肃:兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 庆阳 定西 陇南 临夏 甘南
青海:西宁 海东 海西(格尔木)
宁夏:银川 石嘴山 吴忠 固原 中卫
新疆:乌鲁木齐 克拉玛依 吐鲁番 哈密 昌吉 博州 库尔勒 阿克苏 喀什 和田 伊犁 塔城 阿勒泰 石河子
香港:九龙 新界
澳门:
台湾:台北 高雄 新北 台中 台南 新竹
中国:
"""

_BRANDLIKE_TEXT: Final = """
大同 长治 长兴 吉安 安康 安宁 三明 新余 黄山 泰安 新泰 江山 龙泉 福鼎 龙海 白银 平凉 天长 宁国 荣成 海城 高密 宜都
日照 商洛 阿里 山南 永川 瑞安 瑞丽 德清 通化 白山 四平 南海 红河 北海 海西 海东 新北 三水 三河 安顺 宝鸡 大理 乐山
金昌 昌都 广安 广元 广汉 双流 平湖 天水 中卫 百色 德宏 河源 永州 长乐 福清 平顶山 都江堰 阳江 定西
"""
BRANDLIKE: Final = frozenset(_BRANDLIKE_TEXT.split())
"""Places whose names are as good a brand: taken for a place only before a brand, or when 市 or the like follows."""

SUFFIXES: Final = (
    "维吾尔自治区",
    "壮族自治区",
    "回族自治区",
    "特别行政区",
    "自治区",
    "自治州",
    "开发区",
    "高新区",
    "新区",
    "地区",
    "省",
    "市",
    "县",
    "区",
)
"""What may follow a place's short form, longest first."""

LATIN: Final = {
    "hk": ("香港",),
    "hong kong": ("香港",),
    "shanghai": ("上海",),
    "beijing": ("北京",),
    "china": ("中国",),
}
"""Places in English names."""


def _tree() -> dict[str, Place]:
    found: dict[str, Place] = {}
    for row in _TREE.replace("\n ", " ").split("\n"):
        if not row:
            continue
        province, _, cities = row.partition(":")
        found[province] = (province,)
        city = ""
        for word in cities.split():
            name, opened, inner = word.partition("(")
            if opened:
                city = name
                found[city] = (province, city)
                found[inner.rstrip(")")] = (province, city, inner.rstrip(")"))
            elif word.endswith(")"):
                found[word[:-1]] = (province, city, word[:-1])
                city = ""
            else:
                found[word] = (province, city, word) if city else (province, word)
            if opened and inner.endswith(")"):
                city = ""
    return found


PLACES: Final[dict[str, Place]] = _tree()
"""Short form to path."""
