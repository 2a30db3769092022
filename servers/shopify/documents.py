"""Fragments that several requests share. Each document holds those that it uses, and no others."""

PAGE_INFO = "pageInfo { hasNextPage endCursor }"
USER_ERRORS = "userErrors { field message }"

MONEY = "fragment Money on MoneyBag { presentmentMoney { amount currencyCode } }"

PARCEL = """
fragment Parcel on Fulfillment {
  id status displayStatus createdAt estimatedDeliveryAt deliveredAt
  trackingInfo(first: 5) { company number url }
}"""

ORDER_ROW = """
fragment OrderRow on Order {
  id name number processedAt cancelledAt email phone displayFinancialStatus displayFulfillmentStatus tags
  currentTotalPriceSet { ...Money }
  customer { id displayName }
}"""

ORDER_STATUS = f"""
fragment OrderStatus on Order {{
  ...OrderRow returnStatus statusPageUrl
  shippingAddress {{ name city phone }}
  lineItems(first: 20) {{ nodes {{ name currentQuantity unfulfilledQuantity }} }}
  fulfillments(first: 5) {{ ...Parcel }}
}}
{ORDER_ROW} {PARCEL} {MONEY}"""

ORDER = f"""
fragment Order on Order {{
  ...OrderRow returnStatus statusPageUrl note discountCodes presentmentCurrencyCode canMarkAsPaid
  shippingAddress {{ name city phone formatted }}
  lineItems(first: 100) {{ nodes {{
    id name sku currentQuantity refundableQuantity unfulfilledQuantity
    discountedUnitPriceAfterAllDiscountsSet {{ ...Money }}
  }} }}
  fulfillments(first: 20) {{ ...Parcel }}
  totalShippingPriceSet {{ ...Money }}
  currentTotalTaxSet {{ ...Money }}
  totalOutstandingSet {{ ...Money }}
  totalRefundedSet {{ ...Money }}
}}
{ORDER_ROW} {PARCEL} {MONEY}"""

CUSTOMER = """
fragment Customer on Customer {
  id displayName numberOfOrders tags
  defaultEmailAddress { emailAddress marketingState }
  defaultPhoneNumber { phoneNumber marketingState }
  amountSpent { amount currencyCode }
  defaultAddress { city }
}"""

PRODUCT_ROW = """
fragment ProductRow on Product {
  id title status vendor productType totalInventory tags
  variants(first: 10) { nodes { id title sku barcode price compareAtPrice inventoryQuantity } }
}"""

PRODUCT = """
fragment Product on Product {
  id title status vendor productType totalInventory tags onlineStoreUrl
  description(truncateAt: 2000)
  variants(first: 100) { nodes { id title sku barcode price compareAtPrice inventoryQuantity } }
  collections(first: 20) { nodes { title } }
}"""

DRAFT_ORDER = f"""
fragment DraftOrder on DraftOrder {{
  id name status email invoiceUrl invoiceSentAt
  totalPriceSet {{ ...Money }}
  customer {{ displayName }}
  lineItems(first: 20) {{ nodes {{ name quantity }} }}
  order {{ id name }}
}}
{MONEY}"""
