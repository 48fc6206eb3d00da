"""Program files that tests apply."""

SHOP = """\
program: shop
version: 1
effective: 2025-01-01T00:00:00Z
zone: Europe/Berlin
points:
  points: {decimals: 0}
money:
  EUR: 2
  USD: 2
  JPY: 0
partners: [bookshop, cafe]
refunds: negative
rules:
  - id: order-points
    on: order.paid
    earn: {rate: {EUR: "1 per 1.00", USD: "3 per 4.00", JPY: "1 per 150"}}
    minimum: {EUR: "10.00"}
    rounding: down
    once_per: order
    reason: "{amount} points for order {subject}"
  - {id: bonus, on: order.paid, earn: {rate: "2 per whole 25.00"}, minimum: {EUR: "50.00", USD: "50.00"}, rounding: half_up}
  - {id: review-points, on: review.approved, earn: {fixed: 50}, once_per: product}
  - {id: share-points, on: share.shared, earn: {fixed: 5}, once_per: content, networks: [x, facebook]}
  - {id: referral-points, on: referral.converted, earn: {fixed: 500}}
  - {id: welcome, on: activity.sign_up, earn: {fixed: 100}, once_per: member}
  - {id: miles, on: activity.miles_walked, earn: {rate: "10 per 1"}}
rewards:
  - {id: note-20, each: "2000 points", give: "Note worth 20", worth: {EUR: "20.00"}}
  - {id: reward-300, each: "300.00 EUR spent", give: "Reward of your choice"}
"""

# The second version doubles what orders earn; refunds of older orders keep the first version's terms.
SHOP_2 = (SHOP.replace("version: 1", "version: 2").replace("effective: 2025-01-01T00:00:00Z", "effective: 2025-06-10T00:00:00Z")
          .replace('EUR: "1 per 1.00"', 'EUR: "2 per 1.00"'))

# Another program of the same deployment: points with two decimals, take-backs that stop at zero.
CLUB = """\
program: club
version: 1
effective: 2025-01-01T00:00:00Z
zone: America/New_York
points:
  stars: {decimals: 2}
money:
  EUR: 2
refunds: clamp
rules:
  - {id: order-stars, on: order.paid, earn: {rate: "1 per 3.00"}, rounding: half_even}
  - {id: visit, on: activity.app_visit, earn: {fixed: 1}}
  - {id: refer, on: referral.converted, earn: {fixed: 10}, to: referrer}
"""

ALL = (SHOP, SHOP_2, CLUB)
