"""The words that names, goods and addresses are made of."""

from __future__ import annotations

from typing import Final

# Characters that brands are made of, with their pinyin (for mail addresses).
_BRAND_CHARS: Final = (
    "华hua 泰tai 恒heng 信xin 瑞rui 达da 宏hong 盛sheng 鑫xin 源yuan 丰feng 嘉jia 安an 博bo 创chuang 诚cheng "
    "德de 鼎ding 东dong 方fang 飞fei 福fu 富fu 冠guan 光guang 广guang 海hai 汉han 昊hao 和he 鸿hong 辉hui 汇hui "
    "吉ji 佳jia 建jian 江jiang 杰jie 金jin 锦jin 晶jing 精jing 景jing 九jiu 巨ju 君jun 凯kai 康kang 科ke 朗lang "
    "乐le 力li 立li 联lian 龙long 隆long 绿lv 茂mao 美mei 民min 明ming 铭ming 宁ning 鹏peng 普pu 齐qi 启qi 千qian "
    "强qiang 庆qing 荣rong 润run 三san 尚shang 升sheng 时shi 世shi 双shuang 顺shun 思si 松song 天tian 通tong 同tong "
    "万wan 威wei 维wei 伟wei 文wen 祥xiang 欣xin 新xin 星xing 兴xing 旭xu 亚ya 雅ya 阳yang 益yi 毅yi 银yin 英ying "
    "永yong 优you 友you 宇yu 裕yu 元yuan 远yuan 云yun 泽ze 长chang 振zhen 正zheng 志zhi 智zhi 中zhong 众zhong 卓zhuo 奥ao 百bai"
)
BRAND_CHARS: Final = tuple((item[0], item[1:]) for item in _BRAND_CHARS.split())

# Trade as it stands in the name, and the industry it belongs to.
TRADES: Final = tuple(
    tuple(item.split(":"))
    for item in [
        "贸易:批发零售",
        "商贸:批发零售",
        "机械:机械制造",
        "机械设备:机械制造",
        "精密机械:机械制造",
        "机电设备:机械制造",
        "电子科技:电子",
        "电子:电子",
        "科技:信息技术",
        "信息技术:信息技术",
        "网络科技:信息技术",
        "软件:信息技术",
        "新材料:化工",
        "化工:化工",
        "塑胶制品:化工",
        "包装材料:轻工",
        "纸业:轻工",
        "印务:轻工",
        "服饰:纺织",
        "纺织:纺织",
        "家居用品:轻工",
        "家具:轻工",
        "建材:建筑",
        "建筑工程:建筑",
        "装饰工程:建筑",
        "物流:物流",
        "供应链管理:物流",
        "国际货运代理:物流",
        "食品:食品",
        "农业发展:农业",
        "医疗器械:医药",
        "医药:医药",
        "生物科技:医药",
        "汽车零部件:汽车",
        "汽车配件:汽车",
        "五金制品:机械制造",
        "模具:机械制造",
        "钢铁贸易:批发零售",
        "电气:电子",
        "自动化设备:机械制造",
        "仪器仪表:电子",
        "环保设备:机械制造",
        "新能源:能源",
        "光伏科技:能源",
        "橡塑:化工",
        "轴承:机械制造",
        "阀门:机械制造",
    ]
)
FORMS: Final = (("有限公司", 78), ("有限责任公司", 12), ("股份有限公司", 7), ("集团有限公司", 3))
INSTITUTIONS: Final = ("人民医院", "第一中学", "职业技术学院", "质量检验研究院", "城市建设研究所")
SHOPS: Final = [
    "五金店",
    "建材经营部",
    "机电商行",
    "便利店",
    "广告服务部",
    "汽配经营部",
    "家具厂",
    "副食批发部",
    "电器维修部",
    "百货商店",
]
LATIN_BRANDS: Final = [
    "ABK",
    "TCS",
    "HDX",
    "MAXON",
    "KLT",
    "SPD",
    "LUNA",
    "VTEC",
    "ORION",
    "DELPHO",
    "NEXA",
    "SINO",
    "PRIMA",
    "UNITEK",
    "ZENIT",
]
KEPT_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

FOREIGN: Final = (
    # stem words, second words, forms, country, city, currency, telephone prefix before seven digits
    (
        "Müller Schneider Köhler Lindner Bauer Weiß",
        "Maschinenbau Werkzeuge Antriebstechnik Elektronik",
        "GmbH|AG",
        "德国",
        "Stuttgart",
        "EUR",
        "+49 711",
    ),
    (
        "Pacific Summit Harbor Redwood Liberty Granite",
        "Industrial Trading Components Supply",
        "Inc.|LLC|Corp.",
        "美国",
        "Houston",
        "USD",
        "+1 713",
    ),
    ("Lefèvre Moreau Garnier", "Industrie Équipement Matériaux", "SARL|S.A.", "法国", "Lyon", "EUR", "+33 42"),
    ("Tanaka Yamada Sakura Fujita", "Seiko Shoji Kogyo Denki", "Co., Ltd.|K.K.", "日本", "Osaka", "JPY", "+81 66"),
    (
        "Evergreen Lion Merlion Straits",
        "Trading Engineering Marine",
        "Pte. Ltd.",
        "新加坡",
        "Singapore",
        "USD",
        "+65 6",
    ),
    ("O'Brien Smith & Sons", "Engineering Tools Fasteners", "Ltd", "英国", "Leeds", "USD", "+44 113"),
)
HONG_KONG_TRADES: Final = ["貿易", "國際貿易", "電子", "實業", "物流", "發展", "紡織", "機械"]

_SURNAMES: Final = (
    "王wang 李li 张zhang 刘liu 陈chen 杨yang 赵zhao 黄huang 周zhou 吴wu 徐xu 孙sun 胡hu 朱zhu 高gao 林lin 何he 郭guo "
    "马ma 罗luo 梁liang 宋song 郑zheng 谢xie 韩han 唐tang 冯feng 于yu 董dong 萧xiao 程cheng 曹cao 袁yuan 邓deng 许xu "
    "傅fu 沈shen 曾zeng 彭peng 吕lv 苏su 卢lu 蒋jiang 蔡cai 贾jia 丁ding 魏wei 薛xue 叶ye 阎yan"
)
SURNAMES: Final = tuple((item[0], item[1:]) for item in _SURNAMES.split())
_GIVEN: Final = (
    "伟wei 芳fang 娜na 敏min 静jing 丽li 强qiang 磊lei 军jun 洋yang 勇yong 艳yan 杰jie 娟juan 涛tao 明ming 超chao "
    "霞xia 平ping 刚gang 桂gui 英ying 华hua 玉yu 兰lan 建jian 国guo 志zhi 文wen 斌bin 鹏peng 宇yu 浩hao 婷ting 雪xue "
    "晓xiao 红hong 梅mei 海hai 峰feng 龙long 慧hui 欣xin 佳jia 俊jun 辉hui 琳lin 颖ying 健jian 博bo"
)
GIVEN: Final = tuple((item[0], item[1:]) for item in _GIVEN.split())
TITLES: Final = ("先生", "女士", "经理", "会计", "")

BANKS: Final = (
    ("中国工商银行", "6222", 19), ("中国建设银行", "6217", 19), ("中国农业银行", "6228", 19), ("中国银行", "4563", 12),
    ("招商银行", "1109", 15), ("交通银行", "3100", 18), ("中信银行", "7110", 19), ("上海浦东发展银行", "9705", 17),
    ("中国民生银行", "6106", 16), ("兴业银行", "2161", 18), ("平安银行", "1500", 14), ("江苏银行", "3019", 17),
    ("宁波银行", "2201", 17), ("农村商业银行", "8020", 20),
)  # fmt: skip

CLASSES: Final = (
    ("01", "经销商"), ("02", "终端客户"), ("03", "集团客户"), ("04", "海外客户"), ("05", "个体工商户"), ("06", "事业单位"),
)  # fmt: skip

# code, name, unit, lowest and highest net price in yuan, tax rate, decimals of the quantity, weight
ITEMS: Final = (
    ("1001", "深沟球轴承 6204", "套", "8.5", "32", "0.13", 0, 10),
    ("1002", "圆锥滚子轴承 32210", "套", "45", "180", "0.13", 0, 8),
    ("1003", "精密导轨 HGR20", "米", "120", "460", "0.13", 2, 8), ("1004", "滚珠丝杠 SFU1605", "根", "230", "980", "0.13", 0, 6),
    ("1005", "伺服电机 750W", "台", "850", "2600", "0.13", 0, 6), ("1006", "减速机 NMRV063", "台", "310", "1250", "0.13", 0, 5),
    ("1007", "O型密封圈", "个", "0.35", "6.8", "0.13", 0, 6), ("1008", "冷轧钢板 2.0mm", "吨", "3850", "5200", "0.13", 3, 6),
    ("1009", "铝型材 6063", "千克", "19.2", "28.6", "0.13", 3, 6), ("1010", "非标加工件", "件", "25", "3200", "0.13", 0, 7),
    ("2001", "运输服务", "次", "180", "3600", "0.09", 0, 4), ("2002", "农机配件", "件", "35", "420", "0.09", 0, 2),
    ("3001", "技术服务费", "项", "500", "20000", "0.06", 0, 4), ("3002", "设备维修", "次", "300", "6800", "0.06", 0, 3),
    ("4001", "旧设备销售", "台", "1500", "28000", "0.03", 0, 2), ("4002", "边角料", "千克", "1.2", "4.5", "0.01", 2, 2),
    ("5001", "免税样品", "批", "100", "900", "0", 0, 1),
)  # fmt: skip

# Simplified characters of company names and their traditional forms.
_PAIRS: Final = (
    "华華 鑫鑫 达達 丰豐 创創 诚誠 东東 飞飛 冠冠 广廣 汉漢 鸿鴻 辉輝 汇匯 锦錦 凯凱 乐樂 联聯 龙龍 绿綠 铭銘 宁寧 鹏鵬 齐齊 "
    "启啟 强強 庆慶 荣榮 润潤 时時 双雙 顺順 万萬 维維 伟偉 兴興 亚亞 阳陽 银銀 优優 远遠 云雲 泽澤 长長 众眾 奥奧 贸貿 电電 "
    "机機 设設 备備 网網 络絡 软軟 术術 业業 务務 纺紡 织織 饰飾 筑築 装裝 际際 货貨 发發 医醫 疗療 药藥 汽汽 车車 轴軸 阀閥 "
    "门門 钢鋼 铁鐵 气氣 动動 仪儀 环環 实實 团團 责責 国國 链鏈 应應 运運 农農 质質 检檢 验驗 职職 学學 院院 苏蘇 广廣 连連 "
    "沈瀋 阴陰 济濟 郑鄭 汉漢 庆慶 贵貴 兰蘭 乌烏 鲁魯 齐齊 经經 销銷 营營 电電"
)
TRADITIONAL: Final = {item[0]: item[1] for item in _PAIRS.split()}
