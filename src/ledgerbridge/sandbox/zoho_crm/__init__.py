"""Zoho CRM v8, as far as zoho.md tells (sections 1 to 13, 16 and 17): :func:`create` makes the far side of one org.

The org keeps Accounts, Contacts, Products, Invoices (with Invoiced_Items) and the custom module Payments. What stands in
the books is JSON: money and rates are decimal text (``"1200.5"``, exact), date-times are UTC text, lookups are record
ids; what goes out has numbers, the reader's offset and ``{"name", "id"}`` objects. Tables are named after the modules;
``recycle_bin``, ``users``, ``currencies`` and ``watch`` are the org's own.

Own fields, beyond those that Zoho ships (zoho.md 12) and the contract of zoho.md 13. ``ERP_Id`` is unique and external in
every module; a record that a person typed in by hand, or a second one of the same number, has none.

================  ====================================================================================================
Accounts          ERP_Id, ERP_Code (the customer code that the holding gives, null where it gives none), Credit_Code
                  (unified social credit code, 18 characters), Short_Name, Email, Mobile, Billing_District,
                  Region_Code, Bank_Name, Bank_Account, Class_Code, Class_Name, Trade (the ERP's industry),
                  Salesperson_Code, Salesperson, Credit_Limit, Credit_Days, Opened_On, Disabled_On, Payer_Names (one a
                  line)
Contacts          ERP_Id
Products          ERP_Id, Tax_Rate_Percent
Invoices          ERP_Id, ERP_Invoice_Number, ERP_Kind (invoice, credit_note, opening_balance, other_receivable),
                  ERP_Total = ERP_Net + ERP_Tax (in the invoice's currency), ERP_Rate (CNY for one unit, as the ERP has
                  it), ERP_Base_Total (CNY), Balance_Due, Paid_Amount, Payment_Status, Last_Payment_Date,
                  Tax_Invoice_Code, Tax_Invoice_Number, ERP_Order_Number, Contract_Number, Salesperson_Code,
                  Department_Code, Reversed_Invoice (lookup: what a credit note reverses)
Invoiced_Items    ERP_Item_Code, ERP_Unit, ERP_Tax_Rate (percent), ERP_Net, ERP_Tax, ERP_Gross: they add up to the
                  invoice to the last fen, which Quantity x List_Price (rounded by Zoho) need not
Payments          Name, ERP_Id, Account, Invoice, Payment_Date, Amount, Currency, Exchange_Rate, Method, Reference,
                  Status (zoho.md 13), and ERP_Receipt_Number, Receipt_Kind, Receipt_Amount and Bank_Fee (of the whole
                  receipt), ERP_Rate, ERP_Base_Amount (CNY, of the whole receipt), Applied_On, Payer_Name,
                  Payer_Account, Payer_Bank, Own_Account, Settlement (the ERP's word for the method), Remark
================  ====================================================================================================

One Payments record is one part of a receipt applied to one invoice, plus one with Invoice null for what is left: over
all records with one ERP_Receipt_Number, Amount adds up to Receipt_Amount + Bank_Fee. Parts applied to a document that
the CRM does not hold are in the rest. Status is null for a receipt that is still a draft.
"""

from .app import ZohoCrmEmulator, create, credentials

__all__ = ["ZohoCrmEmulator", "create", "credentials"]
