"""Words for what a company does, and its legal forms, as they stand in names.

Trades are lists of small words, found from the end of a name one after the other: 精密机械设备 is 精密, 机械, 设备. The
list need not be complete: see :mod:`.vocabulary`. Legal forms follow the Company Law and the rules for registering
individual businesses and partnerships; what a form says about being the same legal person is in :mod:`.compare_name`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

_TRADES_TEXT: Final = """
国际 进出口 贸易 商贸 经贸 工贸 科贸 外贸 边贸 商业 商务 电子商务 电商 实业 产业 企业 发展 开发 投资 控股 管理 咨询
服务 经营 技术 科技 高科 高新技术 信息 信息技术 网络 软件 数据 大数据 云计算 互联网 物联网 人工智能 智能 智能化 系统
集成 系统集成 计算机 电子 微电子 半导体 集成电路 光电 光学 激光 通信 通讯 电器 家电 电气 电力 电缆 线缆 电线 电机 电源
电池 机电 变压器 开关 机械 设备 装备 机器人 自动化 数控 机床 刀具 工具 量具 模具 仪器 仪表 仪器仪表 传感器 精密 精工
重工 重型 通用 专用 特种 成套 五金 金属 有色金属 钢铁 钢材 钢构 钢结构 钢管 不锈钢 铝业 铝材 铜业 合金 铸造 锻造
热处理 表面处理 电镀 焊接 紧固件 标准件 弹簧 轴承 齿轮 传动 减速机 液压 气动 阀门 泵业 水泵 密封件 密封 压缩机 制冷
空调 暖通 锅炉 电梯 起重 工程机械 农机 制品 制造 加工 工业 材料 新材料 复合材料 工程 建筑 建设 建材 建筑材料 安装 路桥
市政 装饰 装潢 装修 设计 规划 监理 园林 绿化 景观 防水 保温 水泥 混凝土 石材 陶瓷 玻璃 门窗 幕墙 管业 管道 管材 涂料
油漆 木业 地板 家具 家居 家私 用品 洁具 卫浴 厨具 环保 环境 水务 水处理 净化 能源 新能源 光伏 太阳能 风电 储能 照明
灯饰 燃气 天然气 石油 石化 煤炭 矿业 矿产 化工 化学 化肥 日化 塑料 塑胶 塑业 橡胶 橡塑 包装 纸业 纸品 印刷 印务 印染
纺织 针织 家纺 服装 服饰 制衣 皮革 皮具 鞋业 箱包 羽绒 化纤 无纺布 辅料 医药 药业 制药 医疗 器械 医疗器械 生物
生物技术 基因 保健品 大药房 医学 健康 养老 化妆品 美容 日用品 百货 超市 便利 玩具 礼品 工艺品 食品 饮料 酒业 酒类 粮油
粮食 乳业 茶业 茶叶 调味品 肉类 冷链 餐饮 餐饮管理 酒店 宾馆 旅游 旅行社 农业 农产品 生态 种业 种子 苗木 饲料 养殖
畜牧 牧业 水产 渔业 林业 果业 蔬菜 物流 运输 货运 货物 快递 仓储 供应链 代理 船舶 航运 海运 航空 港务 报关 汽车 汽贸
配件 零部件 部件 摩托车 自行车 轮胎 新能源汽车 二手车 物业 房地产 置业 地产 租赁 融资租赁 拍卖 担保 保险 金融 证券
基金 资产 财务 税务 会计 人力资源 劳务 派遣 安全 安防 保安 消防 监控 检测 检验 计量 认证 广告 传媒 文化 传播 影视 动漫
游戏 策划 会展 展览 教育 培训 体育 健身 图书 出版 文具 办公 珠宝 首饰 黄金 眼镜 钟表 乐器 宠物 家政 维修 修理 批发
零售 销售 经销 营销 品牌 trading industrial industries industry technology technologies tech engineering electronics
electronic international development logistics machinery components supply import export enterprise enterprises
investment holdings materials
"""
TRADES: Final = frozenset(_TRADES_TEXT.split())

SPELLED_OUT: Final = {
    "汽配": ("汽车", "配件"),
    "货代": ("货运", "代理"),
    "进出口贸易": ("进出口", "贸易"),
    "汽车零部件": ("汽车", "零部件"),
}
"""Trades that are written short, and what they stand for."""


class Form(StrEnum):
    """Kinds of legal form. Two kinds may be the same legal person renamed; only BRANCH is part of another one."""

    UNKNOWN = "unknown"
    COMPANY = "company"
    JOINT_STOCK = "joint_stock"
    FACTORY = "factory"
    SHOP = "shop"
    PARTNERSHIP = "partnership"
    COOPERATIVE = "cooperative"
    OFFICE = "office"


FORMS: Final = {
    "有限责任公司": Form.COMPANY,
    "责任有限公司": Form.COMPANY,
    "有限公司": Form.COMPANY,
    "总公司": Form.COMPANY,
    "公司": Form.COMPANY,
    "股份有限公司": Form.JOINT_STOCK,
    "股份公司": Form.JOINT_STOCK,
    "总厂": Form.FACTORY,
    "厂": Form.FACTORY,
    "加工厂": Form.FACTORY,
    "制造厂": Form.FACTORY,
    "专卖店": Form.SHOP,
    "专营店": Form.SHOP,
    "旗舰店": Form.SHOP,
    "商店": Form.SHOP,
    "便利店": Form.SHOP,
    "店": Form.SHOP,
    "商行": Form.SHOP,
    "贸易行": Form.SHOP,
    "经营部": Form.SHOP,
    "经销部": Form.SHOP,
    "批发部": Form.SHOP,
    "服务部": Form.SHOP,
    "维修部": Form.SHOP,
    "门市部": Form.SHOP,
    "门市": Form.SHOP,
    "工作室": Form.SHOP,
    "个体工商户": Form.SHOP,
    "个体户": Form.SHOP,
    "特殊普通合伙": Form.PARTNERSHIP,
    "普通合伙": Form.PARTNERSHIP,
    "有限合伙": Form.PARTNERSHIP,
    "合伙企业": Form.PARTNERSHIP,
    "专业合作社": Form.COOPERATIVE,
    "合作社": Form.COOPERATIVE,
    "事务所": Form.OFFICE,
}
"""Endings of names."""

GROUPS: Final = ("集团公司", "企业集团", "集团")
"""Say that a name is a group's; stand before the legal form, in brackets or alone."""

BRANCHES: Final = (
    "分公司",
    "子公司",
    "分厂",
    "分店",
    "分行",
    "支行",
    "分部",
    "分社",
    "分所",
    "办事处",
    "代表处",
    "联络处",
    "营业部",
    "营业厅",
    "项目部",
    "事业部",
)
"""Endings that name a part of somebody else, or one that somebody else owns."""

_STATES_TEXT: Final = """
已注销 注销 作废 停用 禁用 已停用 吊销 旧 新 原 重复 勿用 不用 暂停 测试 黑名单 冻结 已更名 更名
"""
STATES: Final = frozenset(_STATES_TEXT.split())
"""What people write into brackets about the record, not about the firm."""

LATIN_FORMS: Final = {
    "co": Form.COMPANY,
    "company": Form.COMPANY,
    "ltd": Form.COMPANY,
    "limited": Form.COMPANY,
    "llc": Form.COMPANY,
    "gmbh": Form.COMPANY,
    "pte": Form.COMPANY,
    "pty": Form.COMPANY,
    "pvt": Form.COMPANY,
    "sarl": Form.COMPANY,
    "srl": Form.COMPANY,
    "bv": Form.COMPANY,
    "bhd": Form.COMPANY,
    "sdn": Form.COMPANY,
    "kk": Form.JOINT_STOCK,
    "inc": Form.JOINT_STOCK,
    "incorporated": Form.JOINT_STOCK,
    "corp": Form.JOINT_STOCK,
    "corporation": Form.JOINT_STOCK,
    "ag": Form.JOINT_STOCK,
    "sa": Form.JOINT_STOCK,
    "spa": Form.JOINT_STOCK,
    "nv": Form.JOINT_STOCK,
    "plc": Form.JOINT_STOCK,
    "lp": Form.PARTNERSHIP,
    "llp": Form.PARTNERSHIP,
    "kg": Form.PARTNERSHIP,
}
"""Last words of English and other Latin names."""

LATIN_GROUPS: Final = frozenset(["group", "groupe", "gruppe"])
LATIN_BRANCHES: Final = frozenset(["branch", "filiale", "zweigniederlassung"])
