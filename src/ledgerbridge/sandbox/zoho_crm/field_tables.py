"""The tables behind :mod:`.fields`: a line a field (name, type, length, ``.decimals``, flags, ``->Module``)."""

from __future__ import annotations

_SYSTEM = """
id bigint 18 readonly
Owner ownerlookup
Created_By ownerlookup readonly
Modified_By ownerlookup readonly
Created_Time datetime readonly
Modified_Time datetime readonly
Locked__s boolean readonly
Record_Status__s picklist readonly
Tag text 2000 readonly
"""

_MONEY = """
Currency picklist
Exchange_Rate double
"""

_ADDRESSES = """
Billing_Street text 250
Billing_City text 100
Billing_State text 100
Billing_Code text 30
Billing_Country text 100
Shipping_Street text 250
Shipping_City text 100
Shipping_State text 100
Shipping_Code text 30
Shipping_Country text 100
"""

_ACCOUNTS = f"""
Account_Name text 200 mandatory
Account_Number bigint
Phone phone 50
Fax phone 30
Website website
Account_Type picklist
Industry picklist
Rating picklist
Ownership picklist
Annual_Revenue currency
Employees integer
Parent_Account lookup ->Accounts
Description textarea
{_ADDRESSES.strip()}
{_MONEY.strip()}
{_SYSTEM.strip()}
ERP_Id text 100 unique external own
ERP_Code text 100 own
Credit_Code text 18 own
Short_Name text 200 own
Email email own
Mobile phone 50 own
Billing_District text 100 own
Region_Code text 20 own
Bank_Name text 200 own
Bank_Account text 60 own
Class_Code text 50 own
Class_Name text 100 own
Trade text 100 own
Salesperson_Code text 50 own
Salesperson text 100 own
Credit_Limit currency own
Credit_Days integer own
Opened_On date own
Disabled_On date own
Payer_Names textarea 2000 own
"""

_CONTACTS = f"""
Last_Name text 80 mandatory
First_Name text 40
Full_Name text 130 readonly
Email email
Secondary_Email email
Account_Name lookup ->Accounts
Phone phone 50
Mobile phone 50
Title text 100
Department text 50
Mailing_Street text 250
Mailing_City text 100
Mailing_State text 100
Mailing_Zip text 30
Mailing_Country text 100
Reporting_To lookup ->Contacts
Description textarea
Email_Opt_Out boolean
{_MONEY.strip()}
{_SYSTEM.strip()}
ERP_Id text 100 unique external own
"""

_PRODUCTS = f"""
Product_Name text 200 mandatory
Product_Code text 60
Product_Active boolean
Unit_Price currency
Usage_Unit text 40
Tax_Rate_Percent double own
Description textarea
{_MONEY.strip()}
{_SYSTEM.strip()}
ERP_Id text 100 unique external own
"""

_INVOICES = f"""
Subject text 200 mandatory
Invoice_Number autonumber
Account_Name lookup ->Accounts
Contact_Name lookup ->Contacts
Sales_Order lookup ->Sales_Orders
Purchase_Order text 100
Invoice_Date date
Due_Date date
Status picklist
Sub_Total formula
Grand_Total formula
Discount currency
Tax currency
Adjustment currency
Excise_Duty currency
Sales_Commission currency
Terms_and_Conditions textarea
Description textarea
{_ADDRESSES.strip()}
{_MONEY.strip()}
{_SYSTEM.strip()}
Invoiced_Items subform ->Invoiced_Items
ERP_Id text 100 unique external own
ERP_Invoice_Number text 100 own
ERP_Kind picklist own
ERP_Total currency own
ERP_Net currency own
ERP_Tax currency own
ERP_Rate double own
ERP_Base_Total double own
Balance_Due currency own
Paid_Amount currency own
Payment_Status picklist own
Last_Payment_Date date own
Tax_Invoice_Code text 30 own
Tax_Invoice_Number text 60 own
ERP_Order_Number text 100 own
Contract_Number text 100 own
Salesperson_Code text 50 own
Department_Code text 50 own
Reversed_Invoice lookup own ->Invoices
"""

_INVOICED_ITEMS = """
id bigint 18 readonly
Product_Name lookup mandatory ->Products
Quantity double
List_Price currency .4
Discount currency
Line_Tax linetax
Description textarea 2000
Total formula
Net_Total formula
Sequence_Number integer
ERP_Item_Code text 60 own
ERP_Unit text 40 own
ERP_Tax_Rate double own
ERP_Net currency own
ERP_Tax currency own
ERP_Gross currency own
"""

_PAYMENTS = f"""
Name text 120 mandatory
ERP_Id text 100 unique external own
Account lookup own ->Accounts
Invoice lookup own ->Invoices
Payment_Date date own
Amount currency own
Method picklist own
Reference text 255 own
Status picklist own
ERP_Receipt_Number text 100 own
Receipt_Kind picklist own
Receipt_Amount currency own
Bank_Fee currency own
ERP_Rate double own
ERP_Base_Amount double own
Applied_On date own
Payer_Name text 200 own
Payer_Account text 60 own
Payer_Bank text 200 own
Own_Account text 60 own
Settlement text 100 own
Remark textarea 2000 own
{_MONEY.strip()}
{_SYSTEM.strip()}
"""

# table -> singular name, kind, field of the built-in duplicate check (zoho.md 5), fields
MODULES: dict[str, tuple[str, str, str, str]] = {
    "Accounts": ("Account", "default", "Account_Name", _ACCOUNTS),
    "Contacts": ("Contact", "default", "Email", _CONTACTS),
    "Products": ("Product", "default", "Product_Name", _PRODUCTS),
    "Invoices": ("Invoice", "default", "Subject", _INVOICES),
    "Invoiced_Items": ("Invoiced Item", "subform", "", _INVOICED_ITEMS),
    "Payments": ("Payment", "custom", "Name", _PAYMENTS),
}

# What a lookup shows as the name of a record.
NAME_FIELDS = {
    "Accounts": "Account_Name",
    "Contacts": "Full_Name",
    "Products": "Product_Name",
    "Invoices": "Subject",
    "Payments": "Name",
}

PICK_LISTS: dict[str, tuple[str, ...]] = {
    "Accounts.Account_Type": (
        "Analyst",
        "Competitor",
        "Customer",
        "Distributor",
        "Partner",
        "Reseller",
        "Vendor",
        "Other",
    ),
    "Accounts.Industry": ("Communications", "Consulting", "Manufacturing", "Technology", "Wholesale", "Other"),
    "Accounts.Rating": ("Acquired", "Active", "Market Failed", "Project Cancelled", "Shut Down"),
    "Accounts.Ownership": ("Other", "Private", "Public", "Subsidiary", "Partnership", "Government"),
    "Invoices.ERP_Kind": ("invoice", "credit_note", "opening_balance", "other_receivable"),
    "Invoices.Payment_Status": ("Open", "Partially paid", "Paid", "Overdue", "Written off"),
    "Payments.Method": ("Bank transfer", "Bank acceptance bill", "Cheque", "Cash", "Other"),
    "Payments.Status": ("Posted", "Reversed"),
    "Payments.Receipt_Kind": ("receipt", "prepayment", "refund", "acceptance_bill"),
    **{
        f"{module}.Record_Status__s": ("Available", "Draft", "Trash")
        for module in ("Accounts", "Contacts", "Products", "Invoices", "Payments")
    },
}
