"""The Fxiaoke (纷享销客) open API, as far as accounts receivable need it; contract: ``fxiaoke.md``.

:func:`ledgerbridge.sandbox.fxiaoke.app.create` makes one tenant. What the sandbox decided where the contract leaves
a choice:

* **The invoice** is the tenant's custom receivable object (switch ``receivableObject``, by default ``ar_bill__c``): no
  public source documents a preset one, and it carries number, dates and amounts. 开票申请 (InvoiceApplicationObj with
  its lines) is served too and points at the receivable with ``receivable__c``, but is not counted as an invoice.
* **Status** of every row is its ``life_status``: a draft is ``ineffective``, an approved document ``normal``, a void one
  ``invalid``. There is no second status field.
* **Payments** are PaymentObj with OrderPaymentObj lines. ``payment_amount`` of the header is what the bank shows and the
  sum of the lines. A line of ``line_kind__c`` ``option1`` settles the document in ``receivable__c`` (and the order in
  ``order_id``), ``option2`` is the part not applied, ``option3`` (negative) is the bank's fee, also in ``bank_fee__c``.
* **Refunds** are RefundObj (switch ``refundsAs``: or PaymentObj) and keep the world's minus sign; what they settle is in
  ``refund_line__c``. Credit notes are receivables with negative amounts and the reversed one in ``reverses__c``.
* **Currency** is in the ``mc_*`` fields because the world has foreign money (switch ``multiCurrency``, on); amounts are
  in the row's own currency, ``base_amount__c`` is CNY. Without the switch a foreign document cannot be loaded.
* **Money has two decimals** on the wire whatever the currency (JPY ``"1200.00"``), since a describe has one scale.
* **erp_source_id__c** (switch ``sourceIdField``) is unique on AccountObj, the receivable, PaymentObj and RefundObj, and
  empty on loaded rows: they were made before anything linked them.
* **Account data**: ``account_no`` is the ERP's customer code, the tax id is in ``creditCodeField``, title and bank in
  AccountFinInfoObj, the person in ContactObj; area fields hold GB area codes with the name in ``__r``.

``switches`` lists every behaviour that a tenant may differ in. Keys that begin with ``$`` in the books are the
emulator's own and never go out.
"""
